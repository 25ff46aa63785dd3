-- Publications; what they publish is of other kinds.
SELECT p.oid, p.pubname AS name, p.pubowner AS owner, p.puballtables AS all_tables,
    concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
    p.pubviaroot AS via_root,
    p.pubgencols = 's' AS generated_columns
FROM pg_publication p
LEFT JOIN pg_depend e ON e.classid = 'pg_publication'::regclass AND e.objid = p.oid AND e.deptype = 'e'
WHERE e.objid IS NULL
