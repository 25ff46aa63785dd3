-- Sequences: stand-alone, owned by a column, behind an identity column.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relowner AS owner,
    c.relpersistence = 'u' AS unlogged,
    format_type(s.seqtypid, NULL) AS type,
    s.seqstart AS start, s.seqincrement AS increment, s.seqmax AS maximum, s.seqmin AS minimum,
    s.seqcache AS cache, s.seqcycle AS cycle,
    d.deptype::text AS ownership,
    t.oid AS table_oid,
    quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS table_name,
    t.relpersistence = 'u' AS table_is_unlogged,
    a.attname AS column,
    a.attidentity::text AS identity,
    c.relacl::text[] AS acl,
    acldefault('s', c.relowner)::text[] AS default_acl
FROM pg_class c
JOIN pg_sequence s ON s.seqrelid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
