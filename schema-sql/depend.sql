-- Who depends on whom, among objects made after initdb; without numbers of columns, so that rows repeat. Triggers of
-- foreign keys and toast tables are left out: they come with what they belong to, and nothing else depends on them.
-- Loose members of operator families stand for their family; array types and row types are in alias.sql.
SELECT d.classid AS class, d.objid AS oid, d.refclassid AS on_class, d.refobjid AS on_oid,
    d.deptype AS kind
FROM pg_depend d
WHERE d.refobjid >= 16384 AND d.deptype <> 'p'
  AND NOT (d.deptype = 'i' AND d.classid = 'pg_type'::regclass)
  AND NOT (d.deptype = 'i' AND d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_constraint'::regclass)
  AND NOT (d.deptype = 'i' AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjsubid = 0)
  AND (d.classid, d.objid) <> (d.refclassid, d.refobjid)
UNION ALL
SELECT 'pg_opfamily'::regclass, o.amopfamily, d.refclassid, d.refobjid, 'n'::"char"
FROM pg_depend d
JOIN pg_amop o ON d.classid = 'pg_amop'::regclass AND d.objid = o.oid
WHERE d.refobjid >= 16384 AND d.deptype NOT IN ('p', 'e', 'i')
  AND NOT (d.refclassid = 'pg_opfamily'::regclass AND d.refobjid = o.amopfamily)
UNION ALL
SELECT 'pg_opfamily'::regclass, p.amprocfamily, d.refclassid, d.refobjid, 'n'::"char"
FROM pg_depend d
JOIN pg_amproc p ON d.classid = 'pg_amproc'::regclass AND d.objid = p.oid
WHERE d.refobjid >= 16384 AND d.deptype NOT IN ('p', 'e', 'i')
  AND NOT (d.refclassid = 'pg_opfamily'::regclass AND d.refobjid = p.amprocfamily)
