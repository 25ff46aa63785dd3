-- Collations: of the system's library, of ICU, built in.
SELECT c.oid, n.nspname AS schema, c.collname AS name, c.collowner AS owner,
    c.collprovider::text AS provider,
    c.collisdeterministic AS is_deterministic,
    c.collcollate AS collate, c.collctype AS ctype,
    c.colllocale AS locale,
    c.collicurules AS rules
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_collation'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
