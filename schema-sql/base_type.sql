-- Base types and shell types; no array types, which come with their elements' types.
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typowner AS owner,
    t.typisdefined AS is_defined,
    t.typlen AS length, t.typbyval AS by_value,
    t.typinput::regproc::text AS input, t.typoutput::regproc::text AS output,
    nullif(t.typreceive, 0)::regproc::text AS receive, nullif(t.typsend, 0)::regproc::text AS send,
    nullif(t.typmodin, 0)::regproc::text AS typmod_in, nullif(t.typmodout, 0)::regproc::text AS typmod_out,
    nullif(t.typanalyze, 0)::regproc::text AS "analyze",
    nullif(t.typsubscript, 0)::regproc::text AS subscript,
    t.typcollation <> 0 AS is_collatable,
    coalesce(pg_get_expr(t.typdefaultbin, 0), '''' || replace(t.typdefault, '''', '''''') || '''') AS default_value,
    CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element,
    t.typcategory::text AS category, t.typispreferred AS is_preferred, t.typdelim::text AS delimiter,
    t.typalign::text AS alignment, t.typstorage::text AS storage,
    t.typacl::text[] AS acl,
    acldefault('T', t.typowner)::text[] AS default_acl
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type el ON el.oid = t.typelem AND el.typarray = t.oid
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE (t.typtype = 'b' AND el.oid IS NULL OR NOT t.typisdefined)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
