-- Foreign-data wrappers.
SELECT f.oid, f.fdwname AS name, f.fdwowner AS owner,
    nullif(f.fdwhandler, 0)::regproc::text AS handler, nullif(f.fdwvalidator, 0)::regproc::text AS validator,
    CASE WHEN f.fdwoptions IS NOT NULL THEN array_to_string(ARRAY(
        SELECT quote_ident(o.option_name) || ' ' || quote_literal(o.option_value)
        FROM pg_options_to_table(f.fdwoptions) o ORDER BY o.option_name), E',\n    ') END AS options,
    f.fdwacl::text[] AS acl,
    acldefault('F', f.fdwowner)::text[] AS default_acl
FROM pg_foreign_data_wrapper f
LEFT JOIN pg_depend e ON e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = f.oid AND e.deptype = 'e'
WHERE f.oid >= 16384
  AND e.objid IS NULL
