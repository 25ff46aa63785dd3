-- Dependencies and their loops: functions on views on functions, defaults and checks calling functions of row types,
-- types, tables and views that need one another, against the order of names.
SELECT current_setting('server_version_num')::int >= 140000 AS v14 \gset
CREATE TABLE z_table (id int PRIMARY KEY, name text);
INSERT INTO z_table VALUES (1, 'x'), (2, 'y');
CREATE FUNCTION y_of_row(z_table) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.name';
ALTER TABLE z_table ADD CONSTRAINT by_row CHECK (y_of_row(z_table) <> '');
CREATE INDEX by_row_index ON z_table (y_of_row(z_table));
CREATE VIEW x_view AS SELECT id, y_of_row(z_table) AS named FROM z_table;
CREATE FUNCTION w_of_view() RETURNS SETOF x_view LANGUAGE sql AS 'SELECT * FROM public.x_view';
CREATE VIEW v_over AS SELECT * FROM w_of_view();
CREATE FUNCTION of_over(v_over) RETURNS int LANGUAGE sql AS 'SELECT $1.id';
CREATE FUNCTION next_id() RETURNS int LANGUAGE sql AS 'SELECT max(id) + 1 FROM public.z_table';
CREATE TABLE a_default (id int DEFAULT next_id(), row z_table, rows x_view[]);
INSERT INTO a_default VALUES (DEFAULT, ROW(1, 'r'), ARRAY[ROW(1, 'v')::x_view]);
CREATE TYPE status AS ENUM ('on', 'off');
CREATE FUNCTION default_status() RETURNS status LANGUAGE sql AS 'SELECT ''on''::public.status';
CREATE DOMAIN a_domain AS status DEFAULT default_status();
CREATE TYPE b_composite AS (s a_domain, t z_table);
CREATE TABLE a_uses (c b_composite, d a_domain);
INSERT INTO a_uses VALUES (ROW('off', NULL), 'on');
CREATE VIEW grouped AS SELECT z_table.*, count(*) AS n FROM z_table GROUP BY z_table.id;
CREATE MATERIALIZED VIEW a_materialized AS SELECT id, n FROM grouped;
CREATE UNIQUE INDEX a_materialized_id ON a_materialized (id);
CREATE VIEW b_on_materialized AS SELECT m.*, t.name FROM a_materialized m JOIN z_table t USING (id);
CREATE MATERIALIZED VIEW a_on_view AS SELECT count(*) FROM b_on_materialized;
CREATE FUNCTION of_materialized() RETURNS a_materialized LANGUAGE sql AS 'SELECT * FROM public.a_materialized LIMIT 1';
CREATE VIEW first_of_two AS SELECT 1 AS a;
CREATE VIEW second_of_two AS SELECT a FROM first_of_two;
CREATE OR REPLACE VIEW first_of_two AS SELECT 1 AS a, 2 AS b;
-- Views that read each other: of no use, but the server keeps them.
CREATE VIEW ring_a AS SELECT 1 AS a;
CREATE VIEW ring_b AS SELECT a FROM ring_a;
CREATE VIEW ring_c AS SELECT a FROM ring_b;
CREATE OR REPLACE VIEW ring_a AS SELECT a FROM ring_c;
\if :v14
CREATE FUNCTION atomic_on_view() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM grouped; END;
CREATE VIEW on_atomic AS SELECT atomic_on_view() AS n;
CREATE FUNCTION atomic_on_atomic() RETURNS bigint LANGUAGE sql RETURN (SELECT n + atomic_on_view() FROM on_atomic);
CREATE TABLE a_atomic_default (n bigint DEFAULT atomic_on_atomic());
\endif
