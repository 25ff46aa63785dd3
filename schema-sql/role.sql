-- Names of roles, for owners and privileges.
SELECT r.oid, r.rolname AS name
FROM pg_roles r
