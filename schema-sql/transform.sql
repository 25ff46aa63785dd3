-- Transforms of types for languages. Their names, for the order, are those of type and language.
SELECT t.oid, ty.typname || ' ' || l.lanname AS name, format_type(t.trftype, NULL) AS type, l.lanname AS language,
    CASE WHEN t.trffromsql <> 0
        THEN quote_ident(fn.nspname) || '.' || quote_ident(f.proname) || '(' || oidvectortypes(f.proargtypes) || ')' END
        AS from_sql,
    CASE WHEN t.trftosql <> 0
        THEN quote_ident(gn.nspname) || '.' || quote_ident(g.proname) || '(' || oidvectortypes(g.proargtypes) || ')' END
        AS to_sql
FROM pg_transform t
JOIN pg_type ty ON ty.oid = t.trftype
JOIN pg_language l ON l.oid = t.trflang
LEFT JOIN pg_proc f ON f.oid = t.trffromsql
LEFT JOIN pg_namespace fn ON fn.oid = f.pronamespace
LEFT JOIN pg_proc g ON g.oid = t.trftosql
LEFT JOIN pg_namespace gn ON gn.oid = g.pronamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_transform'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE t.oid >= 16384
  AND e.objid IS NULL
