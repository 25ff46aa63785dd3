-- Row security policies.
SELECT p.oid, p.polname AS name, c.relowner AS owner, n.nspname AS schema, c.relname AS table, c.oid AS table_oid,
    p.polcmd::text AS command, p.polpermissive AS is_permissive,
    CASE WHEN p.polroles <> '{0}' THEN ARRAY(
        SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname) END AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS using_expression,
    pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
