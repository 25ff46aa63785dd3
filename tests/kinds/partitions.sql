-- Partitions: range, list, hash, default, several levels, own columns order, indexes and keys attached, defaults of
-- their own, foreign keys to and from, triggers, detached ones.
-- beyond-clean: pg_dump drops the key of a partition by itself, which the server refuses
CREATE TABLE measurements (
    at timestamptz NOT NULL,
    sensor int NOT NULL,
    value numeric CHECK (value > -1000),
    note text DEFAULT 'none'
) PARTITION BY RANGE (at);
CREATE TABLE m2024_01 PARTITION OF measurements FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00');
CREATE TABLE m2024_02 PARTITION OF measurements (note DEFAULT 'february', CONSTRAINT cold CHECK (value < 50))
    FOR VALUES FROM ('2024-02-01 00:00+00') TO ('2024-03-01 00:00+00') WITH (fillfactor = 80);
CREATE TABLE m_other PARTITION OF measurements DEFAULT;
CREATE TABLE m2024_03 (note text, gone int, value numeric CHECK (value > -1000), sensor int NOT NULL, at timestamptz NOT NULL);
ALTER TABLE m2024_03 DROP COLUMN gone;
ALTER TABLE m2024_03 RENAME CONSTRAINT m2024_03_value_check TO measurements_value_check;
ALTER TABLE measurements ATTACH PARTITION m2024_03 FOR VALUES FROM ('2024-03-01 00:00+00') TO ('2024-04-01 00:00+00');
CREATE TABLE m2023_12 AS SELECT * FROM measurements;
INSERT INTO measurements SELECT '2024-01-15 00:00+00'::timestamptz + i * '1 day'::interval, i % 3, i FROM generate_series(1, 90) i;
INSERT INTO m2023_12 VALUES ('2023-12-24 00:00+00', 1, 1);

ALTER TABLE measurements ADD PRIMARY KEY (at, sensor);
CREATE INDEX by_sensor ON measurements (sensor, at DESC);
CREATE INDEX only_there ON m2024_01 (note);
CREATE INDEX m2024_01_value ON m2024_01 (value);
CREATE INDEX by_value ON ONLY measurements (value);
ALTER INDEX by_value ATTACH PARTITION m2024_01_value;
COMMENT ON TABLE measurements IS 'parted';
COMMENT ON TABLE m2024_01 IS 'a part';
COMMENT ON INDEX by_sensor IS 'of all parts';

CREATE TABLE by_country (id int NOT NULL, country text NOT NULL, city text) PARTITION BY LIST (country);
CREATE TABLE europe PARTITION OF by_country FOR VALUES IN ('DE', 'FR', 'it''s') PARTITION BY HASH (id);
CREATE TABLE europe_0 PARTITION OF europe FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE europe_1 PARTITION OF europe FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE america PARTITION OF by_country FOR VALUES IN ('US', NULL);
ALTER TABLE by_country ALTER country DROP NOT NULL;
INSERT INTO by_country SELECT i, (ARRAY['DE', 'FR', 'US'])[1 + i % 3], 'city ' || i FROM generate_series(1, 30) i;
CREATE UNIQUE INDEX by_country_id ON by_country (id, country);

CREATE TABLE by_expression (a int, b text) PARTITION BY RANGE (lower(b) COLLATE "C" text_pattern_ops, (a + 1));
CREATE TABLE by_expression_low PARTITION OF by_expression FOR VALUES FROM (MINVALUE, MINVALUE) TO ('m', 0);
CREATE TABLE by_expression_high PARTITION OF by_expression FOR VALUES FROM ('m', 0) TO (MAXVALUE, MAXVALUE);
INSERT INTO by_expression VALUES (1, 'Alpha'), (2, 'zulu');

CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1), (2);
CREATE TABLE parted_child (id int, parent_id int REFERENCES parent, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_child_1 PARTITION OF parted_child FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_child_2 PARTITION OF parted_child FOR VALUES FROM (10) TO (20);
INSERT INTO parted_child VALUES (1, 1), (11, 2);
CREATE TABLE refers (id int PRIMARY KEY, child_id int REFERENCES parted_child ON DELETE CASCADE);
INSERT INTO refers VALUES (1, 11);

CREATE TABLE empty_parted (a int) PARTITION BY LIST (a);
CREATE TABLE identity_parted (id int NOT NULL, g int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (id);
CREATE TABLE identity_parted_1 PARTITION OF identity_parted FOR VALUES FROM (1) TO (10);
INSERT INTO identity_parted VALUES (1), (2);
CREATE SCHEMA parts;
CREATE TABLE parts.far PARTITION OF identity_parted FOR VALUES FROM (10) TO (20);
INSERT INTO identity_parted VALUES (11);
CREATE UNLOGGED TABLE parts.fast PARTITION OF identity_parted FOR VALUES FROM (20) TO (30);
