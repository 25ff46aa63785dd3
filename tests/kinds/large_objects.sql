-- Large objects: empty, with contents over several pages, sparse; comments.
SELECT lo_create(900001);
SELECT lo_from_bytea(900002, convert_to(repeat('it''s \ large ', 500), 'UTF8'));
SELECT lo_from_bytea(900003, decode('00ff5c27', 'hex'));
SELECT lo_put(900001, 10000, 'after a hole');
COMMENT ON LARGE OBJECT 900002 IS 'the large one';
CREATE TABLE t (id int, content oid);
INSERT INTO t VALUES (1, 900002);
