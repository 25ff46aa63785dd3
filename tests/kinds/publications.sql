-- Publications: empty, of tables, of all tables, of some actions, via the root.
DO $$ BEGIN CREATE ROLE kinds_publications; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE TABLE s."T" (a int);
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE PUBLICATION nothing;
CREATE PUBLICATION "Of Tables" FOR TABLE t, s."T" WITH (publish = 'insert, truncate');
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION by_root FOR TABLE parted WITH (publish_via_partition_root = true);
CREATE PUBLICATION silent FOR TABLE t WITH (publish = '');
COMMENT ON PUBLICATION nothing IS 'nothing';
ALTER PUBLICATION nothing OWNER TO kinds_publications;
INSERT INTO t VALUES (1, 'b');
