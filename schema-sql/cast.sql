-- Casts made after initdb, but for those of a range to its multirange, which the range makes. Their names, for the order, are those of the two types.
SELECT c.oid, format_type(c.castsource, NULL) AS source, format_type(c.casttarget, NULL) AS target,
    s.typname || ' ' || t.typname AS name,
    CASE WHEN c.castfunc <> 0
        THEN quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' END
        AS function,
    c.castmethod::text AS method, c.castcontext::text AS context
FROM pg_cast c
JOIN pg_type s ON s.oid = c.castsource
JOIN pg_type t ON t.oid = c.casttarget
LEFT JOIN pg_proc p ON p.oid = c.castfunc
LEFT JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_cast'::regclass AND e.objid = c.oid AND e.deptype IN ('e', 'i')
WHERE c.oid >= 16384
  AND e.objid IS NULL
