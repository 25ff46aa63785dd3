-- Comments on objects made after initdb, on large objects, whose OIDs users may choose, and on schema public.
SELECT d.classoid AS class, d.objoid AS oid, d.objsubid AS sub, d.description AS text
FROM pg_description d
WHERE d.objoid >= 16384
   OR d.classoid = 'pg_largeobject'::regclass
   OR (d.classoid = 'pg_namespace'::regclass AND d.objoid = 2200)
ORDER BY d.classoid, d.objoid, d.objsubid
