-- Indexes, but for those behind constraints: ready ones, and valid ones or partitioned tables' own.
SELECT i.indexrelid AS oid, n.nspname AS schema, c.relname AS name, t.relowner AS owner,
    i.indrelid AS table_oid,
    quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS table_name,
    pg_get_indexdef(i.indexrelid) AS definition,
    i.indisclustered AS is_clustered,
    i.indisreplident AS is_replica_identity,
    inh.inhparent AS parent,
    quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent_name,
    coalesce(s.spcname, '') AS tablespace
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_inherits inh ON inh.inhrelid = i.indexrelid
LEFT JOIN pg_class p ON p.oid = inh.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE k.oid IS NULL AND i.indisready AND (i.indisvalid OR t.relkind = 'p')
  AND t.relkind IN ('r', 'p', 'm') AND t.relpersistence <> 't'
  AND tn.nspname !~ '^pg_' AND tn.nspname <> 'information_schema'
  AND t.oid NOT IN (SELECT e.objid FROM pg_depend e
      WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
