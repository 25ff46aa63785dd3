-- Text search templates.
SELECT t.oid, n.nspname AS schema, t.tmplname AS name,
    nullif(t.tmplinit, 0)::regproc::text AS init, t.tmpllexize::regproc::text AS lexize
FROM pg_ts_template t
JOIN pg_namespace n ON n.oid = t.tmplnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
