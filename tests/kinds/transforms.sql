-- Transforms, with both functions or one, and a function that uses one.
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION pair_from(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'prsd_lextype';
CREATE FUNCTION pair_to(internal) RETURNS pair LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE TRANSFORM FOR pair LANGUAGE plpgsql (FROM SQL WITH FUNCTION pair_from(internal), TO SQL WITH FUNCTION pair_to(internal));
CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION pair_from(internal));
COMMENT ON TRANSFORM FOR pair LANGUAGE plpgsql IS 'never called';
CREATE FUNCTION f(pair) RETURNS int TRANSFORM FOR TYPE pair LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
