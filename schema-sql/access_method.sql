-- Access methods for tables and indexes.
SELECT a.oid, a.amname AS name, a.amtype::text AS kind, a.amhandler::regproc::text AS handler
FROM pg_am a
LEFT JOIN pg_depend e ON e.classid = 'pg_am'::regclass AND e.objid = a.oid AND e.deptype = 'e'
WHERE a.oid >= 16384
  AND e.objid IS NULL
