-- Statistics targets of indexes' columns, which are expressions and have numbers only.
SELECT a.attrelid AS index, a.attnum AS number, a.attstattarget::int4 AS target
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attstattarget >= 0 AND a.attnum > 0
  AND c.relkind IN ('i', 'I')
ORDER BY a.attrelid, a.attnum
