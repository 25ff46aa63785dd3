-- Functions and procedures: every attribute, argument modes, defaults, overloads, bodies with dollar quotes,
-- BEGIN ATOMIC, dependencies among them, window and support functions, C and internal, settings.
SELECT current_setting('server_version_num')::int >= 140000 AS v14 \gset
CREATE TABLE t (id int PRIMARY KEY, name text);
INSERT INTO t VALUES (1, 'one');

CREATE FUNCTION simple() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION simple(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION simple(a text, b int DEFAULT 1 + 1, VARIADIC c text[] DEFAULT '{a,b}') RETURNS text LANGUAGE sql AS 'SELECT $1';
COMMENT ON FUNCTION simple(int) IS 'with an argument';
CREATE FUNCTION everything(int, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT LEAKPROOF SECURITY DEFINER PARALLEL SAFE COST 5
    SET search_path = public, pg_temp, "Odd Schema" SET work_mem = '10MB' SET datestyle = 'ISO, DMY' AS 'SELECT $2';
CREATE FUNCTION many() RETURNS SETOF t LANGUAGE sql STABLE ROWS 50 PARALLEL RESTRICTED AS 'SELECT * FROM public.t';
CREATE FUNCTION as_table(n int) RETURNS TABLE (a int, "B b" text) LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE FUNCTION outs(IN a int, OUT b int, INOUT c text, OUT record_c text) LANGUAGE sql AS 'SELECT 1, ''c'', ''d''';
CREATE FUNCTION "Quoted Function"("An Arg" int) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    x text := $$dollar $_$ quotes$$;
BEGIN
    -- a comment; with a semicolon
    EXECUTE 'SELECT ''it''''s''';
    RAISE NOTICE E'\\.\n%', x;
END
$body$;
CREATE FUNCTION body_ends_in_dollar() RETURNS text LANGUAGE sql AS 'SELECT ''$''';
CREATE FUNCTION empty_body() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION newlines() RETURNS text LANGUAGE plpgsql AS E'\r\nBEGIN\r\n  RETURN 1;\r\n\r\n\r\nEND;\n\n';
CREATE FUNCTION array_of_views(int[], t) RETURNS t[] LANGUAGE sql AS 'SELECT NULL::public.t[]';
CREATE FUNCTION any_type(anyelement, VARIADIC anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION internal_one(float8) RETURNS float8 LANGUAGE internal STRICT IMMUTABLE AS 'dsqrt';
CREATE FUNCTION z_helper(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE TABLE uses_helper (a int DEFAULT z_helper(1), b int CHECK (z_helper(b) > 0));
CREATE INDEX by_helper ON uses_helper (z_helper(a));
CREATE FUNCTION a_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION an_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';

CREATE PROCEDURE work(a int, INOUT b text DEFAULT 'x') LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN COMMIT; END';
COMMENT ON PROCEDURE work(int, text) IS 'a procedure';
CREATE PROCEDURE settings() LANGUAGE sql SET client_min_messages = 'warning' SET lock_timeout = '5s' AS 'SELECT 1';

\if :v14
CREATE PROCEDURE out_arguments(OUT a int, IN b int) LANGUAGE plpgsql AS 'BEGIN a := b; END';
CREATE FUNCTION atomic(x int) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN id = x THEN name ELSE 'it''s; END' END FROM t;
    SELECT name FROM t WHERE id = x;
END;
CREATE FUNCTION returned(x int) RETURNS int LANGUAGE sql RETURN x + z_helper(1);
CREATE PROCEDURE atomic_work(n text) LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (2, n); DELETE FROM t WHERE id = 2; END;
CREATE FUNCTION groups_by_key() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT t.name FROM t GROUP BY t.id; END;
\endif
