-- Tables: ordinary, partitioned, foreign.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relowner AS owner, c.relkind::text AS kind,
    c.relpersistence = 'u' AS unlogged,
    c.relispartition AS is_partition,
    c.relhassubclass AS has_children,
    CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
    CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
    c.reloptions AS options,
    toast.reloptions AS toast_options,
    am.amname AS access_method,
    coalesce(s.spcname, '') AS tablespace,
    c.relrowsecurity AS row_security,
    c.relforcerowsecurity AS force_row_security,
    c.relreplident::text AS replica_identity,
    ARRAY(SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
    ARRAY(SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
        FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parent_names,
    CASE WHEN c.relispartition AND EXISTS (
        SELECT FROM pg_partition_ancestors(c.oid) a
        JOIN pg_partitioned_table pt ON pt.partrelid = a.relid AND pt.partstrat = 'h'
        CROSS JOIN unnest(pt.partclass::oid[]) k (class)
        JOIN pg_opclass o ON o.oid = k.class AND o.opcname = 'enum_ops' AND o.opcnamespace = 'pg_catalog'::regnamespace)
        THEN (SELECT quote_ident(rn.nspname) || '.' || quote_ident(r.relname)
            FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = pg_partition_root(c.oid)) END
        AS rows_through,
    f.srvname AS server,
    CASE WHEN ft.ftoptions IS NOT NULL THEN array_to_string(ARRAY(
        SELECT quote_ident(o.option_name) || ' ' || quote_literal(o.option_value)
        FROM pg_options_to_table(ft.ftoptions) o ORDER BY o.option_name), E',\n    ') END AS foreign_options,
    c.relacl::text[] AS acl,
    CASE WHEN c.relacl IS NOT NULL THEN acldefault('r', c.relowner)::text[] END AS default_acl
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid AND toast.relkind = 't'
LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
LEFT JOIN pg_foreign_server f ON f.oid = ft.ftserver
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND c.oid NOT IN (SELECT e.objid FROM pg_depend e
      WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
