-- Privileges that initdb or CREATE EXTENSION gave: what an object's present privileges are a difference against.
SELECT i.classoid AS class, i.objoid AS oid, i.objsubid AS sub, i.initprivs::text[] AS acl
FROM pg_init_privs i
