-- Constraints with an index behind them: primary keys, unique and exclusion constraints.
SELECT k.oid, k.conname AS name, t.relowner AS owner,
    n.nspname AS schema,
    k.conrelid AS table_oid, t.relname AS table,
    t.relkind = 'p' AS is_partitioned,
    pg_get_constraintdef(k.oid) AS definition,
    CASE WHEN k.condeferrable AND k.condeferred THEN ' DEFERRABLE INITIALLY DEFERRED'
         WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END AS deferral,
    c.reloptions AS options,
    p.reloptions AS parent_options,
    i.indisclustered AS is_clustered,
    i.indisreplident AS is_replica_identity,
    i.indexrelid AS index,
    c.relname AS index_name,
    inh.inhparent AS parent_index,
    quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent_index_name,
    coalesce(s.spcname, '') AS tablespace
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_index i ON i.indexrelid = k.conindid
JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_inherits inh ON inh.inhrelid = i.indexrelid
LEFT JOIN pg_class p ON p.oid = inh.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE k.contype IN ('p', 'u', 'x') AND t.relkind IN ('r', 'p') AND t.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND t.oid NOT IN (SELECT e.objid FROM pg_depend e
      WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
