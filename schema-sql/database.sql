-- The database itself, with its settings and those of roles in it: what --create makes.
SELECT d.datname AS name, d.datdba AS owner,
    pg_encoding_to_char(d.encoding)::text AS encoding,
    d.datlocprovider::text AS provider,
    d.datcollate AS collate, d.datctype AS ctype,
    d.datlocale AS locale,
    d.daticurules AS rules,
    s.spcname AS tablespace,
    d.datconnlimit AS connection_limit, d.datistemplate AS is_template,
    shobj_description(d.oid, 'pg_database') AS comment,
    ARRAY(SELECT c FROM pg_db_role_setting r CROSS JOIN unnest(r.setconfig) c
        WHERE r.setdatabase = d.oid AND r.setrole = 0) AS settings,
    ARRAY(SELECT quote_ident(o.rolname) FROM pg_db_role_setting r JOIN pg_roles o ON o.oid = r.setrole
        CROSS JOIN unnest(r.setconfig) WITH ORDINALITY AS u (setting, position)
        WHERE r.setdatabase = d.oid ORDER BY o.rolname, u.position) AS roles,
    ARRAY(SELECT u.setting FROM pg_db_role_setting r JOIN pg_roles o ON o.oid = r.setrole
        CROSS JOIN unnest(r.setconfig) WITH ORDINALITY AS u (setting, position)
        WHERE r.setdatabase = d.oid ORDER BY o.rolname, u.position) AS role_settings,
    ARRAY(SELECT l.provider FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid
        ORDER BY l.provider) AS label_providers,
    ARRAY(SELECT l.label FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid
        ORDER BY l.provider) AS labels,
    d.datacl::text[] AS acl,
    acldefault('d', d.datdba)::text[] AS default_acl
FROM pg_database d
JOIN pg_tablespace s ON s.oid = d.dattablespace
WHERE d.datname = current_database()
