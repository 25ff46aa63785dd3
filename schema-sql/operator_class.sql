-- Operator classes with the members that are theirs.
SELECT c.oid, n.nspname AS schema, c.opcname AS name, c.opcowner AS owner, am.amname AS access_method,
    quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) AS family,
    format_type(c.opcintype, NULL) AS type,
    c.opcdefault AS is_default,
    CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END AS storage,
    ARRAY(SELECT 'OPERATOR ' || o.amopstrategy || ' ' || o.amopopr::regoperator::text
            || coalesce(' FOR ORDER BY ' || quote_ident(sn.nspname) || '.' || quote_ident(sf.opfname), '')
        FROM pg_depend d
        JOIN pg_amop o ON o.oid = d.objid
        LEFT JOIN pg_opfamily sf ON sf.oid = o.amopsortfamily
        LEFT JOIN pg_namespace sn ON sn.oid = sf.opfnamespace
        WHERE d.classid = 'pg_amop'::regclass AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid
        ORDER BY o.amopstrategy, o.amopopr::regoperator::text) AS operators,
    ARRAY(SELECT 'FUNCTION ' || p.amprocnum
            || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL) || ') '
            || p.amproc::regprocedure::text
        FROM pg_depend d
        JOIN pg_amproc p ON p.oid = d.objid
        JOIN pg_type lt ON lt.oid = p.amproclefttype
        JOIN pg_type rt ON rt.oid = p.amprocrighttype
        WHERE d.classid = 'pg_amproc'::regclass AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = c.oid
        ORDER BY p.amprocnum, lt.typname, rt.typname) AS functions
FROM pg_opclass c
JOIN pg_am am ON am.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_namespace fn ON fn.oid = f.opfnamespace
JOIN pg_namespace n ON n.oid = c.opcnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_opclass'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
