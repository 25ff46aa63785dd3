-- Rows that stand for another object, as far as anything depends on them: array types for their elements' types, row types for their tables, multiranges for
-- their ranges, relations of composite types for the types. What depends internally on another object stands for it
-- by depend.sql.
WITH needed (type) AS MATERIALIZED (
    SELECT DISTINCT d.refobjid
    FROM pg_depend d
    WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid >= 16384 AND d.deptype <> 'i'
)
SELECT 'pg_type'::regclass::oid AS class, t.oid, 'pg_type'::regclass::oid AS for_class, t.typelem AS for_oid
FROM pg_type t
JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
WHERE t.oid IN (SELECT type FROM needed)
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, c.oid
FROM pg_type t
JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
WHERE t.oid IN (SELECT type FROM needed) OR t.typarray IN (SELECT type FROM needed)
UNION ALL
SELECT 'pg_class'::regclass, c.oid, 'pg_type'::regclass, c.reltype
FROM pg_class c
WHERE c.oid >= 16384 AND c.relkind = 'c'
UNION ALL
SELECT 'pg_type'::regclass, r.rngmultitypid, 'pg_type'::regclass, r.rngtypid
FROM pg_range r
WHERE r.rngmultitypid >= 16384
UNION ALL
-- What a column's NOT NULL or an inherited check is part of.
SELECT 'pg_constraint'::regclass, k.oid, 'pg_class'::regclass, k.conrelid
FROM pg_constraint k
WHERE k.oid >= 16384 AND k.contype IN ('n', 'c') AND k.conrelid <> 0
UNION ALL
SELECT 'pg_constraint'::regclass, k.oid, 'pg_type'::regclass, k.contypid
FROM pg_constraint k
WHERE k.oid >= 16384 AND k.contype = 'n' AND k.contypid <> 0
UNION ALL
-- A partition's foreign key and trigger come with its parent's, a constraint trigger's constraint with the trigger.
SELECT 'pg_constraint'::regclass, k.oid, 'pg_constraint'::regclass, k.conparentid
FROM pg_constraint k
WHERE k.oid >= 16384 AND k.contype = 'f' AND k.conparentid <> 0
UNION ALL
SELECT 'pg_trigger'::regclass, g.oid, 'pg_trigger'::regclass, g.tgparentid
FROM pg_trigger g
WHERE g.oid >= 16384 AND g.tgparentid <> 0
UNION ALL
SELECT 'pg_constraint'::regclass, k.oid, 'pg_trigger'::regclass, g.oid
FROM pg_constraint k
JOIN pg_trigger g ON g.tgconstraint = k.oid AND g.tgparentid = 0
WHERE k.oid >= 16384 AND k.contype = 't'
