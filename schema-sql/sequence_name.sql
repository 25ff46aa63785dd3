-- Sequences whose values are read; members of extensions only where they are configuration.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.oid, n.nspname AS schema,
    e.refobjid AS extension
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (e.objid IS NULL OR EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig)))
ORDER BY c.oid
