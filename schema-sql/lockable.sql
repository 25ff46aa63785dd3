-- Tables to hold in ACCESS SHARE mode before any of the server's deparsing functions looks at them.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.oid, n.nspname AS schema,
    (SELECT x.oid FROM pg_extension x WHERE c.oid = ANY (x.extconfig) LIMIT 1) AS extension
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (c.oid NOT IN (SELECT e.objid FROM pg_depend e
           WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
       OR EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig)))
ORDER BY n.nspname, c.relname
