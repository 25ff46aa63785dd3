-- Text search configurations: for each type of token its dictionaries, in order.
SELECT c.oid, n.nspname AS schema, c.cfgname AS name, c.cfgowner AS owner,
    quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) AS parser,
    ARRAY(SELECT quote_ident((SELECT k.alias FROM ts_token_type(c.cfgparser) k WHERE k.tokid = m.maptokentype))
            || ' WITH ' || string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)
        FROM pg_ts_config_map m
        WHERE m.mapcfg = c.oid
        GROUP BY m.maptokentype
        ORDER BY m.maptokentype) AS mappings
FROM pg_ts_config c
JOIN pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
JOIN pg_namespace n ON n.oid = c.cfgnamespace
LEFT JOIN pg_depend e ON e.classid = 'pg_ts_config'::regclass AND e.objid = c.oid AND e.deptype = 'e'
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND e.objid IS NULL
