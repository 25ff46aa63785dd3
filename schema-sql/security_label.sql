-- Security labels on objects of this database; those of subscriptions are kept with the server's.
SELECT l.classoid AS class, l.objoid AS oid, l.objsubid AS sub, l.provider, l.label
FROM pg_seclabel l
UNION ALL
SELECT l.classoid, l.objoid, 0, l.provider, l.label
FROM pg_shseclabel l
WHERE l.classoid = 'pg_subscription'::regclass
ORDER BY 1, 2, 3, 4
