-- Composite types: nested, in columns and arrays, altered, with comments on attributes.
CREATE TYPE point3 AS (x float8, y float8, z float8);
COMMENT ON TYPE point3 IS 'in space';
COMMENT ON COLUMN point3.z IS 'up';
CREATE TYPE address AS (street text COLLATE "C", number varchar(8), "Zip Code" char(5));
CREATE TYPE person AS (name text, home address, seen point3[]);
CREATE TYPE empty AS ();
CREATE TYPE changed AS (a int, gone int, c text);
ALTER TYPE changed DROP ATTRIBUTE gone;
ALTER TYPE changed ADD ATTRIBUTE d numeric(4, 1);

CREATE TABLE t (id int, who person, many address[], c changed);
INSERT INTO t VALUES
    (1, ROW('a,b"c', ROW('Main "St"', '12 b', '01234'), ARRAY[ROW(1, 2, 3)::point3, NULL]),
     ARRAY[ROW('x', '1', 'abcde')::address], ROW(1, 'two', 3.5)),
    (2, NULL, '{}', NULL),
    (3, ROW(NULL, NULL, NULL), NULL, ROW(NULL, '', NULL));
