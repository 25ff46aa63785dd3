-- Operators with a function; one without is a name that another's COMMUTATOR or NEGATOR has promised.
SELECT o.oid, n.nspname AS schema, o.oprname AS name, o.oprowner AS owner, o.oprkind::text AS kind,
    o.oprcode::regproc::text AS function,
    CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END AS left_type,
    CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END AS right_type,
    'OPERATOR(' || quote_ident(con.nspname) || '.' || com.oprname || ')' AS commutator,
    'OPERATOR(' || quote_ident(nen.nspname) || '.' || neg.oprname || ')' AS negator,
    o.oprcanmerge AS can_merge, o.oprcanhash AS can_hash,
    nullif(o.oprrest, 0)::regproc::text AS restrict_estimator, nullif(o.oprjoin, 0)::regproc::text AS join_estimator
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
LEFT JOIN pg_operator com ON com.oid = o.oprcom
LEFT JOIN pg_namespace con ON con.oid = com.oprnamespace
LEFT JOIN pg_operator neg ON neg.oid = o.oprnegate
LEFT JOIN pg_namespace nen ON nen.oid = neg.oprnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_operator'::regclass AND e.objid = o.oid AND e.deptype = 'e'
WHERE o.oprcode <> 0
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
