-- What the planner knows about tables, materialised views and indexes, as statements that bring it back (PostgreSQL 18).
WITH statement (relation, number, item, key, value, type) AS (
    SELECT c.oid, 0, k.*
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (VALUES
        (1, 'version', current_setting('server_version_num'), '::integer'),
        (2, 'schemaname', n.nspname::text, ''),
        (3, 'relname', c.relname::text, ''),
        (4, 'relpages', c.relpages::text, '::integer'),
        (5, 'reltuples', c.reltuples::text, '::real'),
        (6, 'relallvisible', c.relallvisible::text, '::integer'),
        (7, 'relallfrozen', c.relallfrozen::text, '::integer')) AS k (item, key, value, type)
    WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
    UNION ALL
    SELECT c.oid, a.attnum * 2 + s.inherited::int, k.*
    FROM pg_stats s
    JOIN pg_namespace n ON n.nspname = s.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
    CROSS JOIN LATERAL (VALUES
        (1, 'version', current_setting('server_version_num'), '::integer'),
        (2, 'schemaname', s.schemaname::text, ''),
        (3, 'relname', s.tablename::text, ''),
        -- The columns of an index have names that another server may choose otherwise.
        (4, CASE WHEN c.relkind IN ('i', 'I') THEN 'attnum' ELSE 'attname' END,
            CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum::text ELSE s.attname::text END,
            CASE WHEN c.relkind IN ('i', 'I') THEN '::smallint' ELSE '' END),
        (5, 'inherited', s.inherited::text, '::boolean'),
        (6, 'null_frac', s.null_frac::text, '::real'),
        (7, 'avg_width', s.avg_width::text, '::integer'),
        (8, 'n_distinct', s.n_distinct::text, '::real'),
        (9, 'most_common_vals', s.most_common_vals::text, ''),
        (10, 'most_common_freqs', s.most_common_freqs::text, '::real[]'),
        (11, 'histogram_bounds', s.histogram_bounds::text, ''),
        (12, 'correlation', s.correlation::text, '::real'),
        (13, 'most_common_elems', s.most_common_elems::text, ''),
        (14, 'most_common_elem_freqs', s.most_common_elem_freqs::text, '::real[]'),
        (15, 'elem_count_histogram', s.elem_count_histogram::text, '::real[]'),
        (16, 'range_length_histogram', s.range_length_histogram::text, ''),
        (17, 'range_empty_frac', s.range_empty_frac::text, '::real'),
        (18, 'range_bounds_histogram', s.range_bounds_histogram::text, '')) AS k (item, key, value, type)
    WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
)
SELECT s.relation, s.number,
    CASE s.number WHEN 0 THEN 'SELECT * FROM pg_catalog.pg_restore_relation_stats('
        ELSE 'SELECT * FROM pg_catalog.pg_restore_attribute_stats(' END
    || string_agg(E'\n\t' || quote_literal(s.key) || ', ' || quote_literal(s.value) || s.type, ',' ORDER BY s.item)
    || E'\n);' AS statement
FROM statement s
WHERE s.value IS NOT NULL
GROUP BY s.relation, s.number
