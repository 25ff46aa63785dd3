-- Extended statistics on expressions.
-- min: 14
CREATE TABLE t (a int, b text);
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
CREATE STATISTICS one ON (twice(a)) FROM t;
CREATE STATISTICS several (mcv) ON a, (lower(b)), (a + 1) FROM t;
INSERT INTO t VALUES (1, 'B');
