-- Range types, each with its multirange type.
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typowner AS owner,
    format_type(r.rngsubtype, NULL) AS subtype,
    format_type(nullif(r.rngmultitypid, 0), NULL) AS multirange,
    nullif(r.rngmultitypid, 0) AS multirange_oid,
    CASE WHEN NOT o.opcdefault THEN quote_ident(opn.nspname) || '.' || quote_ident(o.opcname) END AS operator_class,
    CASE WHEN r.rngcollation NOT IN (0, st.typcollation)
        THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
    nullif(r.rngcanonical, 0)::regproc::text AS canonical,
    nullif(r.rngsubdiff, 0)::regproc::text AS subtype_diff,
    t.typacl::text[] AS acl,
    acldefault('T', t.typowner)::text[] AS default_acl
FROM pg_range r
JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_type st ON st.oid = r.rngsubtype
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_opclass o ON o.oid = r.rngsubopc
JOIN pg_namespace opn ON opn.oid = o.opcnamespace
LEFT JOIN pg_collation co ON co.oid = r.rngcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
