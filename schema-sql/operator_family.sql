-- Operator families with their loose members: those which no operator class holds.
SELECT f.oid, n.nspname AS schema, f.opfname AS name, f.opfowner AS owner, am.amname AS access_method,
    ARRAY(SELECT 'OPERATOR ' || o.amopstrategy || ' ' || o.amopopr::regoperator::text
            || coalesce(' FOR ORDER BY ' || quote_ident(sn.nspname) || '.' || quote_ident(sf.opfname), '')
        FROM pg_depend d
        JOIN pg_amop o ON o.oid = d.objid
        LEFT JOIN pg_opfamily sf ON sf.oid = o.amopsortfamily
        LEFT JOIN pg_namespace sn ON sn.oid = sf.opfnamespace
        WHERE d.classid = 'pg_amop'::regclass AND d.refclassid = 'pg_opfamily'::regclass AND d.refobjid = f.oid
          AND o.amopfamily = f.oid
        ORDER BY o.amopstrategy, o.amopopr::regoperator::text) AS operators,
    ARRAY(SELECT 'FUNCTION ' || p.amprocnum
            || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL) || ') '
            || p.amproc::regprocedure::text
        FROM pg_depend d
        JOIN pg_amproc p ON p.oid = d.objid
        JOIN pg_type lt ON lt.oid = p.amproclefttype
        JOIN pg_type rt ON rt.oid = p.amprocrighttype
        WHERE d.classid = 'pg_amproc'::regclass AND d.refclassid = 'pg_opfamily'::regclass AND d.refobjid = f.oid
        ORDER BY p.amprocnum, lt.typname, rt.typname) AS functions
FROM pg_opfamily f
JOIN pg_am am ON am.oid = f.opfmethod
JOIN pg_namespace n ON n.oid = f.opfnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
