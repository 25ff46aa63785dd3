-- Sequences whose values are read, and the values where the role may see them; members of extensions only where they
-- are configuration.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.oid, n.nspname AS schema,
    e.refobjid AS extension,
    v.last_value, v.is_called
FROM pg_class c
CROSS JOIN LATERAL pg_get_sequence_data(c.oid) v
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (e.objid IS NULL OR EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig)))
ORDER BY c.oid
