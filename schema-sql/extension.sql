-- Extensions beyond those that initdb makes. The comment that its control file gives needs no statement.
SELECT x.oid, x.extname AS name, n.nspname AS schema,
    a.comment AS default_comment
FROM pg_extension x
JOIN pg_namespace n ON n.oid = x.extnamespace
LEFT JOIN pg_available_extensions() a ON a.name = x.extname
WHERE x.oid >= 16384
ORDER BY x.extname
