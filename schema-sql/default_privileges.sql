-- Default privileges: those for all schemas replace the built-in ones, those of one schema are added to them.
SELECT d.oid, d.defaclrole AS role, n.nspname AS schema, d.defaclobjtype::text AS kind,
    d.defaclacl::text[] AS acl,
    CASE WHEN d.defaclnamespace = 0
        THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)::text[]
        ELSE '{}' END AS default_acl
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
