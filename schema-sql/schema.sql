-- Schemas, without the system's.
SELECT n.oid, n.nspname AS name, n.nspowner AS owner, n.nspacl::text[] AS acl,
    acldefault('n', n.nspowner)::text[] AS default_acl,
    n.nspname = 'public' AS is_public,
    false AS public_may_create,
    n.nspowner = 6171 AS owned_by_database_owner -- pg_database_owner
FROM pg_namespace n
LEFT JOIN pg_depend e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
ORDER BY n.nspname
