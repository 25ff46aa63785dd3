-- Check constraints of tables and domains.
SELECT k.oid, k.conname AS name, k.conrelid AS relation, k.contypid AS domain,
    pg_get_constraintdef(k.oid) AS definition, k.convalidated AS is_valid, k.conislocal AS is_local
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_depend e ON e.deptype = 'e'
  AND (e.classid, e.objid) IN (('pg_class'::regclass, k.conrelid), ('pg_type'::regclass, k.contypid))
WHERE k.contype = 'c'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
ORDER BY k.conrelid, k.contypid, k.conname
