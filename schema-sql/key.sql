-- Constraints with an index behind them: primary keys, unique and exclusion constraints.
WITH statistics (relation, columns, targets) AS MATERIALIZED (
    SELECT a.attrelid, array_agg(a.attnum ORDER BY a.attnum), array_agg(a.attstattarget::int4 ORDER BY a.attnum)
    FROM pg_attribute a
    WHERE a.attstattarget >= 0 AND a.attnum > 0
    GROUP BY a.attrelid
)
SELECT k.oid, k.conname AS name, t.relowner AS owner,
    n.nspname AS schema,
    k.conrelid AS table_oid, t.relname AS table,
    pg_get_constraintdef(k.oid) AS definition,
    CASE WHEN k.condeferrable AND k.condeferred THEN ' DEFERRABLE INITIALLY DEFERRED'
         WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END AS deferral,
    c.reloptions AS options,
    i.indisclustered AS is_clustered,
    i.indisreplident AS is_replica_identity,
    i.indexrelid AS index,
    c.relname AS index_name,
    inh.inhparent AS parent_index,
    quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent_index_name,
    coalesce(st.columns, '{}') AS statistics_columns,
    coalesce(st.targets, '{}') AS statistics_targets,
    coalesce(s.spcname, '') AS tablespace
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_index i ON i.indexrelid = k.conindid
JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN statistics st ON st.relation = c.oid
LEFT JOIN pg_inherits inh ON inh.inhrelid = i.indexrelid
LEFT JOIN pg_class p ON p.oid = inh.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE k.contype IN ('p', 'u', 'x') AND t.relkind IN ('r', 'p') AND t.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
