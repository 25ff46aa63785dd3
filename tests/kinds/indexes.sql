-- Indexes: methods, expressions, partial, INCLUDE, operator classes with parameters, orders, NULLS NOT DISTINCT,
-- statistics targets, CLUSTER, replica identity, options, comments.
SELECT current_setting('server_version_num')::int >= 150000 AS v15 \gset
CREATE EXTENSION pg_trgm;

CREATE TABLE t (id int PRIMARY KEY, name text, "Mixed" text, tags text[], doc jsonb, at timestamptz, p point, r int4range, n int NOT NULL);
INSERT INTO t SELECT i, 'name ' || i, 'M', ARRAY['a', 'b'], '{"k": 1}', '2024-01-01 00:00+00', point(i, i), int4range(i, i + 5), i FROM generate_series(1, 100) i;

CREATE INDEX plain ON t (name);
CREATE INDEX several ON t (name DESC, at NULLS FIRST, id DESC NULLS LAST);
CREATE UNIQUE INDEX unique_expression ON t (lower(name), (id + 1));
CREATE INDEX partial ON t (at) WHERE name IS NOT NULL AND id > 10;
CREATE INDEX covering ON t (name) INCLUDE (at, "Mixed");
CREATE INDEX collated ON t (name COLLATE "C", "Mixed" COLLATE "POSIX" text_pattern_ops);
CREATE INDEX by_hash ON t USING hash (name);
CREATE INDEX by_gin ON t USING gin (tags) WITH (fastupdate = off);
CREATE INDEX by_jsonb ON t USING gin (doc jsonb_path_ops);
CREATE INDEX by_trigram ON t USING gist (name gist_trgm_ops (siglen = 32));
CREATE INDEX by_gist ON t USING gist (p) WITH (buffering = on, fillfactor = 80);
CREATE INDEX by_spgist ON t USING spgist (r);
CREATE INDEX by_brin ON t USING brin (at timestamptz_minmax_ops) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX filled ON t (n) WITH (fillfactor = 50, deduplicate_items = off);
CREATE INDEX "Index Name" ON t ("Mixed");
CREATE INDEX statistics_target ON t ((n * 2), name, (n * 3));
ALTER INDEX statistics_target ALTER COLUMN 1 SET STATISTICS 400;
ALTER INDEX statistics_target ALTER COLUMN 3 SET STATISTICS 50;
COMMENT ON INDEX plain IS 'plain';
\if :v15
CREATE UNIQUE INDEX nulls_are_equal ON t (at, id) NULLS NOT DISTINCT;
\endif

CREATE TABLE clustered (id int, x int);
CREATE INDEX clustered_x ON clustered (x);
ALTER TABLE clustered CLUSTER ON clustered_x;
CREATE TABLE clustered_by_key (id int CONSTRAINT the_key PRIMARY KEY, x int UNIQUE);
ALTER TABLE clustered_by_key CLUSTER ON the_key;
CREATE TABLE identity_full (a int);
ALTER TABLE identity_full REPLICA IDENTITY FULL;
CREATE TABLE identity_nothing (a int);
ALTER TABLE identity_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE identity_index (a int NOT NULL, b int NOT NULL UNIQUE);
CREATE UNIQUE INDEX identity_index_a ON identity_index (a);
ALTER TABLE identity_index REPLICA IDENTITY USING INDEX identity_index_a;
CREATE TABLE identity_key (a int NOT NULL, b int NOT NULL CONSTRAINT identity_by_key UNIQUE);
ALTER TABLE identity_key REPLICA IDENTITY USING INDEX identity_by_key;
CREATE SCHEMA other;
CREATE TABLE other.t (name text);
CREATE INDEX plain ON other.t (name);
