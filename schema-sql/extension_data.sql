-- Configuration tables of extensions, whose rows are dumped where they meet the extension's condition.
SELECT c.oid, n.nspname AS schema, c.relname AS name, x.oid AS extension, c.relkind::text AS kind,
    nullif(k.condition, '') AS condition,
    ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        ORDER BY a.attnum) AS columns,
    ARRAY(SELECT f.confrelid FROM pg_constraint f
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid ORDER BY f.confrelid) AS referenced
FROM pg_extension x
CROSS JOIN unnest(x.extconfig, x.extcondition) AS k (relation, condition)
JOIN pg_class c ON c.oid = k.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S')
ORDER BY n.nspname, c.relname
