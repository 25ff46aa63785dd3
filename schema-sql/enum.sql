-- Enumerated types.
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typowner AS owner,
    ARRAY(SELECT l.enumlabel::text FROM pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
    t.typacl::text[] AS acl,
    acldefault('T', t.typowner)::text[] AS default_acl
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE t.typtype = 'e'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
