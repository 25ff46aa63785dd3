-- Stand-alone composite types; their columns are those of the relation behind each.
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typowner AS owner, t.typrelid AS relation,
    t.typacl::text[] AS acl,
    acldefault('T', t.typowner)::text[] AS default_acl
FROM pg_type t
JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE t.typtype = 'c'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
