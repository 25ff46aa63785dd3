-- Publications of columns, of rows, of schemas.
-- min: 15
CREATE SCHEMA s;
CREATE SCHEMA "S 2";
CREATE TABLE t (a int PRIMARY KEY, b text, "C c" int);
CREATE TABLE s.u (a int);
CREATE TYPE colour AS ENUM ('red');
CREATE PUBLICATION columns FOR TABLE t (a, "C c");
CREATE PUBLICATION rows FOR TABLE t WHERE (a > 1 AND b <> 'it''s');
CREATE PUBLICATION "both" FOR TABLE t ("C c", a) WHERE (a IS NOT NULL), s.u;
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA s, "S 2";
CREATE PUBLICATION mixed FOR TABLES IN SCHEMA s, TABLE t WHERE (a = 3);
INSERT INTO t VALUES (1, 'b', 2);
