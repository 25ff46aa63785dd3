-- Event triggers.
SELECT t.oid, t.evtname AS name, t.evtowner AS owner, t.evtevent AS event,
    array_to_string(ARRAY(SELECT quote_literal(tag) FROM unnest(t.evttags) tag), ', ') AS tags,
    t.evtfoid::regproc::text AS function, t.evtenabled::text AS state
FROM pg_event_trigger t
LEFT JOIN pg_depend e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e'
WHERE e.objid IS NULL
ORDER BY t.evtname
