-- Large objects: empty, with contents over several pages, sparse; owners, privileges, comments.
DO $$ BEGIN CREATE ROLE kinds_large_objects; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
SELECT lo_create(900001);
SELECT lo_from_bytea(900002, convert_to(repeat('it''s \ large ', 5000), 'UTF8'));
SELECT lo_from_bytea(900003, decode('00ff5c27', 'hex'));
SELECT lo_put(900001, 100000, 'after a hole');
SELECT lo_create(900004);
SELECT lo_create(900005);
SELECT lo_create(900006);
COMMENT ON LARGE OBJECT 900002 IS 'the large one';
ALTER LARGE OBJECT 900003 OWNER TO kinds_large_objects;
GRANT SELECT ON LARGE OBJECT 900004, 900005 TO kinds_large_objects;
GRANT UPDATE ON LARGE OBJECT 900004 TO PUBLIC;
CREATE TABLE t (id int, content oid);
INSERT INTO t VALUES (1, 900002);
