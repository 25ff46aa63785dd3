-- Text search dictionaries.
SELECT d.oid, n.nspname AS schema, d.dictname AS name, d.dictowner AS owner,
    quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname) AS template,
    d.dictinitoption AS options
FROM pg_ts_dict d
JOIN pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
JOIN pg_namespace n ON n.oid = d.dictnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_ts_dict'::regclass AND e.objid = d.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
