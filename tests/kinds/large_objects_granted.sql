-- Large objects with owners and privileges.
-- once: pg_dump's description groups large objects by owner and privileges, which the second restore leaves out
DO $$ BEGIN CREATE ROLE kinds_large_objects; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
SELECT lo_from_bytea(900002, 'b');
SELECT lo_from_bytea(900003, 'c');
SELECT lo_create(900004);
SELECT lo_create(900005);
SELECT lo_create(900006);
ALTER LARGE OBJECT 900003 OWNER TO kinds_large_objects;
GRANT SELECT ON LARGE OBJECT 900004, 900005 TO kinds_large_objects;
GRANT UPDATE ON LARGE OBJECT 900004 TO PUBLIC;
COMMENT ON LARGE OBJECT 900004 IS 'granted';
