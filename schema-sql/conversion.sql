-- Conversions between encodings.
SELECT c.oid, n.nspname AS schema, c.conname AS name, c.conowner AS owner,
    pg_encoding_to_char(c.conforencoding)::text AS source, pg_encoding_to_char(c.contoencoding)::text AS target,
    c.conproc::regproc::text AS function, c.condefault AS is_default
FROM pg_conversion c
JOIN pg_namespace n ON n.oid = c.connamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_conversion'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
