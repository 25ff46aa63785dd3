-- Rules, but for the queries of views.
SELECT r.oid, r.rulename AS name, c.relowner AS owner, n.nspname AS schema, c.relname AS table, c.oid AS table_oid,
    pg_get_ruledef(r.oid) AS definition,
    r.ev_enabled::text AS state
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.deptype = 'e'
  AND (e.classid, e.objid) IN (('pg_class'::regclass, c.oid), ('pg_rewrite'::regclass, r.oid))
WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
