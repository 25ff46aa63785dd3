-- Large objects; their contents are read later.
SELECT l.oid, l.lomowner AS owner, l.lomacl::text[] AS acl,
    acldefault('L', l.lomowner)::text[] AS default_acl
FROM pg_largeobject_metadata l
ORDER BY l.oid
