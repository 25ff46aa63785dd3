-- Materialised views: refreshed in order of dependence and not of name, over plain views, with indexes, options,
-- unpopulated ones, functions that need a search path.
CREATE TABLE t (id int PRIMARY KEY, name text);
INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 50) i;
CREATE MATERIALIZED VIEW z_first AS SELECT id, name FROM t WHERE id <= 10;
CREATE VIEW between_them AS SELECT id FROM z_first;
CREATE MATERIALIZED VIEW a_second WITH (fillfactor = 60) AS SELECT count(*) AS n FROM between_them;
CREATE UNIQUE INDEX z_first_id ON z_first (id);
CREATE INDEX z_first_name ON z_first (lower(name));
ALTER MATERIALIZED VIEW z_first CLUSTER ON z_first_id;
ALTER MATERIALIZED VIEW z_first ALTER name SET STATISTICS 200;
ALTER MATERIALIZED VIEW z_first ALTER name SET STORAGE EXTERNAL;
COMMENT ON MATERIALIZED VIEW z_first IS 'materialised';
COMMENT ON COLUMN z_first.name IS 'a column of it';
CREATE MATERIALIZED VIEW never AS SELECT * FROM t WITH NO DATA;
CREATE MATERIALIZED VIEW over_never AS SELECT 1 AS one WHERE false;
CREATE MATERIALIZED VIEW on_never AS SELECT id FROM never WITH NO DATA;
CREATE MATERIALIZED VIEW grouped AS SELECT t.*, count(*) FROM t GROUP BY t.id;
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE MATERIALIZED VIEW by_function AS SELECT doubled(id) AS twice FROM z_first;
CREATE MATERIALIZED VIEW "Quoted Mat" ("A") AS SELECT 1;
