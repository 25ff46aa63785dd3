-- Triggers: those made by CREATE TRIGGER, and on partitions the clones whose state is not their parent's. Before 15 clones
-- are internal, as those of keys always are, which have a constraint.
SELECT g.oid, g.tgname AS name, c.relowner AS owner, n.nspname AS schema, c.relname AS table, c.oid AS table_oid,
    c.relkind = 'f' AS on_foreign_table,
    CASE WHEN g.tgparentid = 0 THEN pg_get_triggerdef(g.oid, false) END AS definition,
    g.tgenabled::text AS state,
    ARRAY(SELECT a.oid FROM pg_partition_ancestors(CASE WHEN g.tgparentid <> 0 THEN c.oid END) r (oid)
        JOIN pg_trigger a ON a.tgrelid = r.oid AND a.tgname = g.tgname WHERE a.oid <> g.oid) AS parents
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger parent ON parent.oid = g.tgparentid
LEFT JOIN pg_depend e ON e.deptype = 'e'
  AND (e.classid, e.objid) IN (('pg_class'::regclass, c.oid), ('pg_trigger'::regclass, g.oid))
WHERE (NOT g.tgisinternal AND g.tgparentid = 0
       OR g.tgparentid <> 0 AND g.tgenabled <> parent.tgenabled AND g.tgconstraint = 0)
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
