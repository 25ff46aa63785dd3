-- Aggregates: ordinary, ordered-set, hypothetical-set.
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.proowner AS owner,
    pg_get_function_arguments(p.oid) AS arguments,
    pg_get_function_identity_arguments(p.oid) AS identity_arguments,
    oidvectortypes(p.proargtypes) AS argument_types,
    p.pronargs AS argument_count,
    a.aggkind::text AS kind,
    a.aggtransfn::regproc::text AS transition,
    format_type(a.aggtranstype, NULL) AS state_type,
    a.aggtransspace AS state_space,
    a.agginitval AS initial,
    nullif(a.aggfinalfn, 0)::regproc::text AS final,
    a.aggfinalextra AS final_extra, a.aggfinalmodify::text AS final_modify,
    nullif(a.aggcombinefn, 0)::regproc::text AS combine,
    nullif(a.aggserialfn, 0)::regproc::text AS serial,
    nullif(a.aggdeserialfn, 0)::regproc::text AS deserial,
    nullif(a.aggmtransfn, 0)::regproc::text AS moving_transition,
    nullif(a.aggminvtransfn, 0)::regproc::text AS moving_inverse,
    format_type(nullif(a.aggmtranstype, 0), NULL) AS moving_state_type,
    a.aggmtransspace AS moving_state_space,
    a.aggminitval AS moving_initial,
    nullif(a.aggmfinalfn, 0)::regproc::text AS moving_final,
    a.aggmfinalextra AS moving_final_extra, a.aggmfinalmodify::text AS moving_final_modify,
    'OPERATOR(' || quote_ident(opn.nspname) || '.' || o.oprname || ')' AS sort_operator,
    p.proparallel::text AS parallel,
    p.proacl::text[] AS acl,
    acldefault('f', p.proowner)::text[] AS default_acl
FROM pg_aggregate a
JOIN pg_proc p ON p.oid = a.aggfnoid
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_operator o ON o.oid = a.aggsortop
LEFT JOIN pg_namespace opn ON opn.oid = o.oprnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
