-- Extended statistics.
SELECT s.oid, n.nspname AS schema, s.stxname AS name, s.stxowner AS owner,
    pg_get_statisticsobjdef(s.oid) AS definition,
    nullif(s.stxstattarget, -1)::int4 AS target
FROM pg_statistic_ext s
JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_namespace cn ON cn.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.deptype = 'e'
  AND (e.classid, e.objid) IN (('pg_class'::regclass, c.oid), ('pg_statistic_ext'::regclass, s.oid))
WHERE c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND cn.nspname !~ '^pg_' AND cn.nspname <> 'information_schema'
  AND e.objid IS NULL
