-- NOT NULL constraints with names, not inherited, not validated, commented; in children and partitions.
-- min: 18
CREATE TABLE t (a int CONSTRAINT must NOT NULL, b int NOT NULL NO INHERIT, c int, "D d" int NOT NULL);
INSERT INTO t (a, b, "D d") VALUES (1, 2, 4);
ALTER TABLE t ADD CONSTRAINT unproved NOT NULL c NOT VALID;
COMMENT ON CONSTRAINT must ON t IS 'must';
COMMENT ON CONSTRAINT unproved ON t IS 'unproved';
CREATE TABLE child (e int) INHERITS (t);
CREATE TABLE own_child (c int CONSTRAINT own NOT NULL) INHERITS (t);
INSERT INTO own_child VALUES (1, NULL, 3, 4);
CREATE TABLE parted (id int CONSTRAINT parted_id NOT NULL, v text) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (v text CONSTRAINT local NOT NULL, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted VALUES (1, NULL), (2, 'b');
CREATE DOMAIN named AS int CONSTRAINT never_null NOT NULL;
CREATE TABLE long_names_012345678901234567890123456789012345678901234567890123 (column_01234567890123456789 int NOT NULL);
