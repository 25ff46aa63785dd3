-- Domains.
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typowner AS owner,
    format_type(t.typbasetype, t.typtypmod) AS base,
    CASE WHEN t.typcollation NOT IN (0, b.typcollation)
        THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
    coalesce(pg_get_expr(t.typdefaultbin, 0), '''' || replace(t.typdefault, '''', '''''') || '''') AS default_expression,
    t.typnotnull AS not_null,
    (SELECT k.oid FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n' LIMIT 1) AS not_null_oid,
    (SELECT k.conname FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n' LIMIT 1) AS not_null_name,
    t.typacl::text[] AS acl,
    acldefault('T', t.typowner)::text[] AS default_acl
FROM pg_type t
JOIN pg_type b ON b.oid = t.typbasetype
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_collation co ON co.oid = t.typcollation AND t.typcollation <> b.typcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE t.typtype = 'd'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
