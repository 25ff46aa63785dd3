-- Rules on tables and views, with conditions, in every state.
CREATE TABLE t (id int, note text);
CREATE TABLE log (id int, what text);
CREATE VIEW v AS SELECT id, note FROM t;
CREATE RULE also AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (new.id, 'it''s new');
CREATE RULE instead AS ON DELETE TO t WHERE old.id = 0 DO INSTEAD NOTHING;
CREATE RULE "Two Things" AS ON UPDATE TO t DO (INSERT INTO log VALUES (old.id, 'old'); INSERT INTO log VALUES (new.id, 'new'));
CREATE RULE off AS ON UPDATE TO t WHERE old.id = 9 DO NOTHING;
CREATE RULE always AS ON DELETE TO t WHERE old.id = 8 DO NOTHING;
CREATE RULE replica AS ON DELETE TO t WHERE old.id = 7 DO NOTHING;
ALTER TABLE t DISABLE RULE off;
ALTER TABLE t ENABLE ALWAYS RULE always;
ALTER TABLE t ENABLE REPLICA RULE replica;
CREATE RULE v_insert AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (new.id, new.note) RETURNING id, note;
COMMENT ON RULE v_insert ON v IS 'an old way to write through a view';
COMMENT ON RULE "Two Things" ON t IS 'two';
-- Given rules, an insert during the restore would write the log twice.
INSERT INTO log VALUES (1, 'before');
ALTER TABLE t DISABLE RULE also;
INSERT INTO t VALUES (1, 'a'), (2, NULL);
ALTER TABLE t ENABLE RULE also;
