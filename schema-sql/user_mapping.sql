-- User mappings, by the view that hides options from those who may not see them: NULL, as where there are none.
SELECT u.umid AS oid, u.usename AS user, u.srvname AS server, u.srvid AS server_oid, s.srvowner AS owner,
    CASE WHEN u.umoptions IS NOT NULL THEN array_to_string(ARRAY(
        SELECT quote_ident(o.option_name) || ' ' || quote_literal(o.option_value)
        FROM pg_options_to_table(u.umoptions) o ORDER BY o.option_name), E',\n    ') END AS options,
    u.umoptions IS NULL AND NOT (me.rolsuper
        OR u.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')
        OR u.umuser = me.oid AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')))
        AS is_hidden
FROM pg_user_mappings u
JOIN pg_foreign_server s ON s.oid = u.srvid
JOIN pg_roles me ON me.rolname = current_user
LEFT JOIN pg_depend e ON e.classid = 'pg_user_mapping'::regclass AND e.objid = u.umid AND e.deptype = 'e'
WHERE u.umid >= 16384
  AND e.objid IS NULL
