-- Functions and procedures, without aggregates.
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.proowner AS owner,
    p.prokind = 'p' AS is_procedure,
    p.prokind = 'w' AS is_window,
    pg_get_function_arguments(p.oid) AS arguments,
    pg_get_function_identity_arguments(p.oid) AS identity_arguments,
    oidvectortypes(p.proargtypes) AS argument_types,
    p.pronargs AS argument_count,
    pg_get_function_result(p.oid) AS result,
    ARRAY(SELECT format_type(u.t, NULL) FROM unnest(p.protrftypes) WITH ORDINALITY AS u (t, n) ORDER BY u.n) AS transforms,
    l.lanname AS language,
    p.prosrc AS source, p.probin AS library,
    pg_get_function_sqlbody(p.oid) AS body,
    p.provolatile::text AS volatility, p.proisstrict AS is_strict, p.prosecdef AS is_security_definer,
    p.proleakproof AS is_leakproof, p.proretset AS returns_set, p.procost AS cost, p.prorows AS rows,
    nullif(p.prosupport, 0)::regproc::text AS support,
    p.proparallel::text AS parallel,
    p.proconfig AS settings,
    p.proacl::text[] AS acl,
    acldefault('f', p.proowner)::text[] AS default_acl
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_depend e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE p.prokind <> 'a'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
  -- A range type makes its constructors itself.
  AND NOT EXISTS (SELECT FROM pg_depend i
      WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i'
        AND i.refclassid = 'pg_type'::regclass)
