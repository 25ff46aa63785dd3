-- Foreign servers.
SELECT s.oid, s.srvname AS name, s.srvowner AS owner, s.srvtype AS type, s.srvversion AS version, f.fdwname AS wrapper,
    CASE WHEN s.srvoptions IS NOT NULL THEN array_to_string(ARRAY(
        SELECT quote_ident(o.option_name) || ' ' || quote_literal(o.option_value)
        FROM pg_options_to_table(s.srvoptions) o ORDER BY o.option_name), E',\n    ') END AS options,
    s.srvacl::text[] AS acl,
    acldefault('S', s.srvowner)::text[] AS default_acl
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw
LEFT JOIN pg_depend e ON e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid AND e.deptype = 'e'
WHERE s.oid >= 16384
  AND e.objid IS NULL
