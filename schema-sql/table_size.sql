-- Sizes of tables with rows of their own, for splitting them into units of work.
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, n.nspname AS schema,
    pg_table_size(c.oid) AS bytes,
    CASE WHEN am.amname = 'heap' THEN pg_relation_size(c.oid) / current_setting('block_size')::int8 END AS heap_pages
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
