-- Procedural languages made by CREATE LANGUAGE rather than by an extension.
SELECT l.oid, l.lanname AS name, l.lanowner AS owner, l.lanpltrusted AS is_trusted,
    quote_ident(hn.nspname) || '.' || quote_ident(h.proname) AS handler,
    quote_ident(inn.nspname) || '.' || quote_ident(i.proname) AS inline,
    quote_ident(vn.nspname) || '.' || quote_ident(v.proname) AS validator,
    l.lanacl::text[] AS acl,
    acldefault('l', l.lanowner)::text[] AS default_acl
FROM pg_language l
LEFT JOIN pg_proc h ON h.oid = l.lanplcallfoid
LEFT JOIN pg_namespace hn ON hn.oid = h.pronamespace
LEFT JOIN pg_proc i ON i.oid = l.laninline
LEFT JOIN pg_namespace inn ON inn.oid = i.pronamespace
LEFT JOIN pg_proc v ON v.oid = l.lanvalidator
LEFT JOIN pg_namespace vn ON vn.oid = v.pronamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_language'::regclass AND e.objid = l.oid AND e.deptype = 'e'
WHERE l.lanispl AND l.oid >= 16384
  AND e.objid IS NULL
