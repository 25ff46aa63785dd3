-- Virtual generated columns, beside stored ones; in partitions and children.
-- min: 18
CREATE TABLE t (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, s int GENERATED ALWAYS AS (a + 1) STORED NOT NULL,
    w text COLLATE "C" GENERATED ALWAYS AS (a::text || 'x'));
INSERT INTO t VALUES (1);
CREATE TABLE child (b int) INHERITS (t);
INSERT INTO child (a, b) VALUES (5, 6);
CREATE TABLE parted (id int, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (id int, twice int GENERATED ALWAYS AS (id * 3) VIRTUAL);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted VALUES (1), (2);
CREATE VIEW over AS SELECT v, w FROM t;
