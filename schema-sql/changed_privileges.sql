-- Privileges, changed since initdb or CREATE EXTENSION, of the system's objects and of extensions' members. What
-- information_schema was given by initdb is not recorded: its objects are left out.
WITH relation AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relnamespace, c.relname, c.relowner, c.relacl,
        CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname)
            AS granted_on
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND (c.relnamespace = 'pg_catalog'::regnamespace OR c.oid IN (
        SELECT e.objid FROM pg_depend e
        WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_class'::regclass AND e.deptype = 'e'))
), everything (class, oid, sub, schema, name, granted_on, "column", owner, acl, default_acl) AS (
    SELECT 'pg_class'::regclass, c.oid, 0, c.relnamespace, c.relname, c.granted_on,
        NULL::name, c.relowner, c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
    FROM relation c
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, a.attnum, c.relnamespace, c.relname, c.granted_on,
        a.attname, c.relowner, a.attacl, '{}'
    FROM pg_attribute a JOIN relation c ON c.oid = a.attrelid AND c.relkind <> 'S'
    WHERE a.attrelid = ANY (ARRAY(SELECT oid FROM relation)) AND NOT a.attisdropped
      AND (a.attacl IS NOT NULL OR (a.attrelid, a.attnum) IN (
        SELECT i.objoid, i.objsubid FROM pg_init_privs i WHERE i.classoid = 'pg_class'::regclass AND i.objsubid <> 0))
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.pronamespace, p.proname,
        CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END
            || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '('
            || CASE p.prokind WHEN 'a' THEN oidvectortypes(p.proargtypes)
                ELSE pg_get_function_identity_arguments(p.oid) END || ')',
        NULL, p.proowner, p.proacl, acldefault('f', p.proowner)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.proacl IS NOT NULL OR p.oid IN (
        SELECT i.objoid FROM pg_init_privs i WHERE i.classoid = 'pg_proc'::regclass)
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, t.typnamespace, t.typname,
        'TYPE ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname), NULL, t.typowner, t.typacl,
        acldefault('T', t.typowner)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typnamespace = 'pg_catalog'::regnamespace OR t.oid IN (
        SELECT e.objid FROM pg_depend e
        WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_type'::regclass AND e.deptype = 'e')
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.oid, n.nspname, 'SCHEMA ' || quote_ident(n.nspname), NULL,
        n.nspowner, n.nspacl, acldefault('n', n.nspowner)
    FROM pg_namespace n
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, NULL, l.lanname, 'LANGUAGE ' || quote_ident(l.lanname), NULL,
        l.lanowner, l.lanacl, acldefault('l', l.lanowner)
    FROM pg_language l
    WHERE l.lanpltrusted
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, f.oid, 0, NULL, f.fdwname,
        'FOREIGN DATA WRAPPER ' || quote_ident(f.fdwname), NULL, f.fdwowner, f.fdwacl, acldefault('F', f.fdwowner)
    FROM pg_foreign_data_wrapper f
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, NULL, s.srvname, 'FOREIGN SERVER ' || quote_ident(s.srvname), NULL,
        s.srvowner, s.srvacl, acldefault('S', s.srvowner)
    FROM pg_foreign_server s
)
SELECT o.class::oid AS class, o.oid, o.sub::int2 AS sub, n.nspname AS schema, o.name, o.granted_on, o."column", o.owner,
    e.refobjid AS extension,
    coalesce(o.acl, o.default_acl)::text[] AS acl, o.default_acl::text[] AS default_acl
FROM everything o
LEFT JOIN pg_namespace n ON n.oid = o.schema
LEFT JOIN pg_depend e ON e.refclassid = 'pg_extension'::regclass AND e.classid = o.class AND e.objid = o.oid AND e.objsubid = 0 AND e.deptype = 'e'
LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub
WHERE coalesce(o.acl, o.default_acl) IS DISTINCT FROM coalesce(i.initprivs, o.default_acl)
  AND (e.refobjid IS NOT NULL
       OR o.schema = 'pg_catalog'::regnamespace
       OR o.schema IS NULL AND o.oid < 16384)
ORDER BY o.class, n.nspname, o.name, o.granted_on, o.sub
