-- Extended statistics of every kind, with targets.
DO $$ BEGIN CREATE ROLE kinds_statistics; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE TABLE t (a int, b int, c text, d int);
CREATE STATISTICS all_kinds ON a, b, c FROM t;
CREATE STATISTICS s.one_kind (dependencies) ON a, b FROM t;
CREATE STATISTICS "Two Kinds" (ndistinct, mcv) ON c, d FROM t;
ALTER STATISTICS s.one_kind SET STATISTICS 100;
ALTER STATISTICS "Two Kinds" SET STATISTICS 0;
COMMENT ON STATISTICS all_kinds IS 'all';
ALTER STATISTICS all_kinds OWNER TO kinds_statistics;
INSERT INTO t SELECT i, i % 3, i::text, 1 FROM generate_series(1, 100) i;
ANALYZE t;
