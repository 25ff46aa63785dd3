-- Everything that was made in this database after initdb, catalog by catalog, with the rule that leaves it out of every
-- dump, if one does. Whatever stands here without a rule must be claimed by a kind, or the dump fails.
WITH left_out (schema, rule) AS MATERIALIZED (
    SELECT n.oid, CASE WHEN n.nspname ~ '^pg_(toast_)?temp_' THEN 'temporary' ELSE 'in a system schema' END
    FROM pg_namespace n
    WHERE n.nspname ~ '^pg_' OR n.nspname = 'information_schema'
), extension_relation (relation) AS MATERIALIZED (
    SELECT e.objid FROM pg_depend e
    WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e'
), relation (oid, kind, rule) AS MATERIALIZED (
    SELECT c.oid, c.relkind, CASE
        WHEN c.relpersistence = 't' THEN 'temporary'
        WHEN x.relation IS NOT NULL THEN 'on a table of an extension'
        ELSE l.rule END
    FROM pg_class c
    LEFT JOIN left_out l ON l.schema = c.relnamespace
    LEFT JOIN extension_relation x ON x.relation = c.oid
    WHERE c.relnamespace <> 'pg_toast'::regnamespace
), everything (class, oid, rule) AS (
    SELECT 'pg_class'::regclass, r.oid, CASE
        WHEN NOT i.indisready OR NOT i.indisvalid AND r.kind = 'i' THEN 'index that was not finished'
        ELSE coalesce(r.rule, owner.rule) END
    FROM relation r
    LEFT JOIN pg_index i ON i.indexrelid = r.oid
    LEFT JOIN relation owner ON owner.oid = i.indrelid
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, coalesce(l.rule, r.rule)
    FROM pg_type t LEFT JOIN left_out l ON l.schema = t.typnamespace LEFT JOIN relation r ON r.oid = t.typrelid
    -- Row types come with their tables, array types with their elements'.
    WHERE t.typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type element WHERE element.typarray = t.oid)
       OR t.typrelid IN (SELECT c.oid FROM relation c WHERE c.kind = 'c')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, l.rule
    FROM pg_proc p LEFT JOIN left_out l ON l.schema = p.pronamespace
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, coalesce(r.rule, l.rule)
    FROM pg_constraint k LEFT JOIN relation r ON r.oid = k.conrelid LEFT JOIN left_out l ON l.schema = k.connamespace
    WHERE k.contypid = 0 OR NOT EXISTS (SELECT FROM pg_depend e
        WHERE e.classid = 'pg_type'::regclass AND e.objid = k.contypid AND e.deptype = 'e')
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, r.rule FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
    UNION ALL
    SELECT 'pg_trigger'::regclass, g.oid, r.rule
    FROM pg_trigger g JOIN relation r ON r.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND g.tgparentid = 0
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, r.rule FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, r.rule
    FROM pg_statistic_ext s JOIN relation r ON r.oid = s.stxrelid
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, l.rule FROM pg_namespace n LEFT JOIN left_out l ON l.schema = n.oid
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, l.rule
    FROM pg_operator o LEFT JOIN left_out l ON l.schema = o.oprnamespace
    WHERE o.oprcode <> 0 -- without a function: a name that another operator's COMMUTATOR has promised
    UNION ALL
    SELECT 'pg_opclass'::regclass, o.oid, l.rule
    FROM pg_opclass o LEFT JOIN left_out l ON l.schema = o.opcnamespace
    UNION ALL
    SELECT 'pg_opfamily'::regclass, o.oid, l.rule
    FROM pg_opfamily o LEFT JOIN left_out l ON l.schema = o.opfnamespace
    UNION ALL
    SELECT 'pg_collation'::regclass, o.oid, l.rule
    FROM pg_collation o LEFT JOIN left_out l ON l.schema = o.collnamespace
    UNION ALL
    SELECT 'pg_conversion'::regclass, o.oid, l.rule
    FROM pg_conversion o LEFT JOIN left_out l ON l.schema = o.connamespace
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, o.oid, l.rule
    FROM pg_ts_parser o LEFT JOIN left_out l ON l.schema = o.prsnamespace
    UNION ALL
    SELECT 'pg_ts_template'::regclass, o.oid, l.rule
    FROM pg_ts_template o LEFT JOIN left_out l ON l.schema = o.tmplnamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, o.oid, l.rule
    FROM pg_ts_dict o LEFT JOIN left_out l ON l.schema = o.dictnamespace
    UNION ALL
    SELECT 'pg_ts_config'::regclass, o.oid, l.rule
    FROM pg_ts_config o LEFT JOIN left_out l ON l.schema = o.cfgnamespace
    UNION ALL
    SELECT 'pg_extension'::regclass, oid, NULL FROM pg_extension
    UNION ALL
    SELECT 'pg_language'::regclass, oid, NULL FROM pg_language
    UNION ALL
    SELECT 'pg_cast'::regclass, oid, NULL FROM pg_cast
    UNION ALL
    SELECT 'pg_transform'::regclass, oid, NULL FROM pg_transform
    UNION ALL
    SELECT 'pg_am'::regclass, oid, NULL FROM pg_am
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid, NULL FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, oid, NULL FROM pg_foreign_server
    UNION ALL
    SELECT 'pg_user_mapping'::regclass, umid, NULL FROM pg_user_mappings
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, oid, NULL FROM pg_event_trigger
    UNION ALL
    SELECT 'pg_publication'::regclass, oid, NULL FROM pg_publication
    UNION ALL
    SELECT 'pg_publication_rel'::regclass, oid, NULL FROM pg_publication_rel
    UNION ALL
    SELECT 'pg_publication_namespace'::regclass, oid, NULL FROM pg_publication_namespace
    UNION ALL
    SELECT 'pg_subscription'::regclass, s.oid, NULL FROM pg_subscription s
    WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 'pg_default_acl'::regclass, oid, NULL FROM pg_default_acl
    UNION ALL
    SELECT 'pg_largeobject_metadata'::regclass, oid, NULL FROM pg_largeobject_metadata
)
SELECT e.class::oid AS class, e.oid, e.rule, 1::int8 AS count
FROM everything e
WHERE e.oid >= 16384
    OR e.class = 'pg_largeobject_metadata'::regclass -- users may choose their OIDs
UNION ALL
-- Counted in one row, for there are as many as tables and foreign keys.
SELECT 'pg_class'::regclass, 0::oid, 'in a system schema', count(*)
FROM pg_class c
WHERE c.oid >= 16384 AND c.relnamespace = 'pg_toast'::regnamespace
UNION ALL
SELECT 'pg_trigger'::regclass, 0::oid, 'made by a constraint or a parent''s trigger', count(*)
FROM pg_trigger g
WHERE g.oid >= 16384 AND (g.tgisinternal OR g.tgparentid <> 0)
