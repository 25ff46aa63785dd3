-- Text search parsers.
SELECT p.oid, n.nspname AS schema, p.prsname AS name,
    p.prsstart::regproc::text AS start, p.prstoken::regproc::text AS gettoken, p.prsend::regproc::text AS "end",
    nullif(p.prsheadline, 0)::regproc::text AS headline, p.prslextype::regproc::text AS lextypes
FROM pg_ts_parser p
JOIN pg_namespace n ON n.oid = p.prsnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
