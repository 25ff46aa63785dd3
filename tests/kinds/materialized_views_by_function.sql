-- Materialised views that read each other through functions, against the order of names: only bodies tell.
-- beyond: pg_dump does not look into bodies, and refreshes in the order of names
SELECT current_setting('server_version_num')::int >= 140000 AS v14 \gset
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
CREATE MATERIALIZED VIEW z_base AS SELECT a FROM t;
CREATE VIEW over_base AS SELECT a FROM z_base;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(a) FROM public.over_base';
CREATE FUNCTION more() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN public.TOTAL() + 1; END $$;
CREATE MATERIALIZED VIEW a_by_function AS SELECT more() AS x;
CREATE MATERIALIZED VIEW "Z Last" AS SELECT x FROM a_by_function;
-- Names that say what cannot be: z_loop is read by a_loop.
CREATE FUNCTION loops() RETURNS int LANGUAGE sql AS 'SELECT 1 /* a_loop, z_loop */';
CREATE MATERIALIZED VIEW z_loop AS SELECT loops() AS x;
CREATE MATERIALIZED VIEW a_loop AS SELECT x FROM z_loop;
\if :v14
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM z_base; END;
CREATE MATERIALIZED VIEW a_counted AS SELECT counted() AS n;
\endif
