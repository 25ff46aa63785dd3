-- Publications of generated columns.
-- min: 18
CREATE TABLE t (a int PRIMARY KEY, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE PUBLICATION stored FOR TABLE t WITH (publish_generated_columns = stored);
CREATE PUBLICATION named FOR TABLE t (a, g);
CREATE PUBLICATION none FOR TABLE t WITH (publish_generated_columns = none);
INSERT INTO t VALUES (1);
