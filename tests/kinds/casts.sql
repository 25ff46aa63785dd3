-- Casts by function, by text, by equal bytes; explicit, on assignment, implicit.
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN small AS int;
CREATE FUNCTION to_colour(int) RETURNS colour LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE $1 WHEN 0 THEN 'red'::colour ELSE 'green' END $$;
CREATE FUNCTION to_int(colour, int, boolean) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT length($1::text) + $2 $$;
CREATE CAST (int AS colour) WITH FUNCTION to_colour(int) AS ASSIGNMENT;
CREATE CAST (colour AS int) WITH FUNCTION to_int(colour, int, boolean);
CREATE CAST (text AS colour) WITH INOUT AS IMPLICIT;
CREATE CAST (pair AS text) WITH INOUT;
CREATE TYPE bytes4;
CREATE FUNCTION bytes4_in(cstring) RETURNS bytes4 LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION bytes4_out(bytes4) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE bytes4 (INPUT = bytes4_in, OUTPUT = bytes4_out, LIKE = int4);
CREATE CAST (bytes4 AS int) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (int AS bytes4) WITHOUT FUNCTION;
-- Between two of the server's own types.
CREATE CAST (money AS bigint) WITH INOUT;
COMMENT ON CAST (int AS colour) IS 'by number';
CREATE TABLE t (c colour, b bytes4);
INSERT INTO t VALUES (1, 5::bytes4);
CREATE VIEW v AS SELECT c::int AS n, b::int AS i FROM t;
