-- Columns of tables, foreign tables, views, materialised views and composite types, in physical order.
SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name,
    format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attcollation NOT IN (0, t.typcollation)
        THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
    a.attislocal AS is_local,
    a.attidentity AS identity,
    a.attgenerated AS generated,
    d.oid AS default_oid,
    pg_get_expr(d.adbin, d.adrelid) AS default_expression,
    a.attnotnull AS not_null,
    nn.oid AS not_null_oid,
    nn.conname AS not_null_name,
    (nn.connamespace, nn.conname) IN (SELECT o.connamespace, o.conname FROM pg_constraint o
        WHERE o.conislocal GROUP BY o.connamespace, o.conname HAVING count(*) > 1) AS not_null_name_is_shared,
    nn.conislocal AS not_null_is_local,
    nn.connoinherit AS not_null_no_inherit,
    nn.convalidated AS not_null_is_valid,
    CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END AS storage,
    a.attcompression AS compression,
    nullif(a.attstattarget, -1)::int4 AS statistics,
    array_to_string(a.attoptions, ', ') AS options,
    CASE WHEN a.attfdwoptions IS NOT NULL THEN array_to_string(ARRAY(
        SELECT quote_ident(o.option_name) || ' ' || quote_literal(o.option_value)
        FROM pg_options_to_table(a.attfdwoptions) o ORDER BY o.option_name), E',\n    ') END AS fdw_options,
    a.attacl::text[] AS acl
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_constraint nn ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum
