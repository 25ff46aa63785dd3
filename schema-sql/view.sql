-- Views and materialised views.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relowner AS owner, c.relkind = 'm' AS is_materialized,
    pg_get_viewdef(c.oid) AS query,
    r.oid AS rule,
    ARRAY(SELECT o FROM unnest(c.reloptions) o WHERE o !~ '^check_option=') AS options,
    (SELECT upper(substr(o, 14)) FROM unnest(c.reloptions) o WHERE o ~ '^check_option=') AS check_option,
    ARRAY(SELECT 'toast.' || o FROM unnest(toast.reloptions) o) AS toast_options,
    c.relispopulated AS is_populated,
    am.amname AS access_method,
    coalesce(s.spcname, '') AS tablespace,
    c.relacl::text[] AS acl,
    acldefault('r', c.relowner)::text[] AS default_acl
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
