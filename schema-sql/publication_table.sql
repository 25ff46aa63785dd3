-- Tables of publications, with their columns and row filters.
SELECT r.oid, p.oid AS publication_oid, p.pubname AS publication, p.pubowner AS owner,
    c.oid AS table_oid, n.nspname AS schema, c.relname AS table,
    CASE WHEN r.prattrs IS NOT NULL THEN ARRAY(
        SELECT a.attname::text FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS u (number, position)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number ORDER BY u.position) END AS columns,
    pg_get_expr(r.prqual, r.prrelid) AS filter
FROM pg_publication_rel r
JOIN pg_publication p ON p.oid = r.prpubid
JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
