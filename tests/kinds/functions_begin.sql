-- Functions with the name `begin`, which psql takes for the beginning of a body wherever it stands bare.
-- min: 14
-- beyond: psql reads the rest of pg_dump's script as part of such a function
CREATE SCHEMA begin;
CREATE TYPE begin.begin AS (begin int, "end" int);
CREATE TABLE begin.t (begin int, "case" text);
INSERT INTO begin.t VALUES (1, 'begin');
CREATE FUNCTION public.begin(begin int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION begin.begin(begin.begin) RETURNS begin.begin LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION begin."end"() RETURNS SETOF begin.begin LANGUAGE sql AS 'SELECT NULL::begin.begin';
CREATE PROCEDURE begin.work(begin int) LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION atomic(begin int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
    SELECT begin.begin FROM begin.t AS begin WHERE begin.begin = atomic.begin AND "case" = 'begin';
    SELECT CASE WHEN begin > 1 THEN 2 ELSE 3 END FROM begin.t AS begin;
END;
CREATE FUNCTION returned(begin int) RETURNS int LANGUAGE sql RETURN returned.begin + 1;
COMMENT ON FUNCTION public.begin(int) IS 'begins';
CREATE VIEW v AS SELECT public.begin(begin) AS begin FROM begin.t;
