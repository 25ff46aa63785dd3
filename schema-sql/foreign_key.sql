-- Foreign keys, but for those a partition has from its parent.
SELECT k.oid, k.conname AS name, t.relowner AS owner, n.nspname AS schema,
    k.conrelid AS table_oid, t.relname AS table,
    t.relkind = 'p' AS table_is_partitioned,
    k.confrelid AS referenced,
    k.conindid AS referenced_index,
    pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND t.oid NOT IN (SELECT e.objid FROM pg_depend e
      WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
