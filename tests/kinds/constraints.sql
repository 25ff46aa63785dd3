-- Constraints: primary keys, unique, check, exclusion, foreign keys circular, deferrable, NOT VALID, with actions.
SELECT current_setting('server_version_num')::int >= 150000 AS v15 \gset
CREATE EXTENSION btree_gist;

CREATE TABLE keys (
    a int, b int, c text, d text, e int,
    CONSTRAINT "The Key" PRIMARY KEY (a, b) INCLUDE (c) WITH (fillfactor = 90),
    UNIQUE (c),
    CONSTRAINT deferred UNIQUE (d) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT immediate UNIQUE (e)
);
COMMENT ON CONSTRAINT "The Key" ON keys IS 'both';
INSERT INTO keys VALUES (1, 1, 'x', 'y', 1), (1, 2, NULL, NULL, NULL), (2, 1, 'z', NULL, 3);
\if :v15
CREATE TABLE nulls (a int, b int, UNIQUE NULLS NOT DISTINCT (a, b));
INSERT INTO nulls VALUES (1, NULL), (NULL, NULL);
\endif
CREATE TABLE by_index (a int NOT NULL, b int);
CREATE UNIQUE INDEX by_index_key ON by_index (a);
ALTER TABLE by_index ADD CONSTRAINT by_index_key PRIMARY KEY USING INDEX by_index_key;

CREATE FUNCTION good(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE TABLE checks (
    a int CHECK (a > 0), b int, c text,
    CONSTRAINT ordered CHECK (a < b OR b IS NULL),
    CONSTRAINT by_function CHECK (good(b)),
    CONSTRAINT whole_row CHECK (checks IS NOT NULL)
);
COMMENT ON CONSTRAINT ordered ON checks IS 'a before b';
INSERT INTO checks VALUES (1, 2, 'x');
CREATE TABLE unchecked (a int);
INSERT INTO unchecked VALUES (-1), (1);
ALTER TABLE unchecked ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
CREATE FUNCTION in_checks(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT 1 FROM public.checks WHERE a = $1)';
CREATE TABLE needs_rows (a int);
INSERT INTO needs_rows VALUES (1);

CREATE TABLE bookings (
    room int, during tsrange, who text,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&),
    CONSTRAINT one_each EXCLUDE USING btree (lower(who) WITH =) WHERE (room > 10) DEFERRABLE INITIALLY DEFERRED
);
COMMENT ON CONSTRAINT no_overlap ON bookings IS 'one at a time';
INSERT INTO bookings VALUES (1, '[2024-01-01,2024-01-02)', 'a'), (1, '[2024-01-02,2024-01-03)', 'A'), (11, 'empty', 'b');

CREATE TABLE employees (id int PRIMARY KEY, boss int REFERENCES employees, dept int NOT NULL);
CREATE TABLE depts (id int PRIMARY KEY, head int NOT NULL REFERENCES employees DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE employees ADD CONSTRAINT in_dept FOREIGN KEY (dept) REFERENCES depts DEFERRABLE;
BEGIN;
INSERT INTO depts VALUES (1, 1), (2, 3);
INSERT INTO employees VALUES (1, NULL, 1), (2, 1, 1), (3, 1, 2);
COMMIT;
COMMENT ON CONSTRAINT in_dept ON employees IS 'circular';

CREATE TABLE actions (
    id int PRIMARY KEY, a int, b int, c int,
    FOREIGN KEY (a, b) REFERENCES keys (a, b) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT to_c FOREIGN KEY (c) REFERENCES keys (e) ON UPDATE RESTRICT ON DELETE SET DEFAULT
);
ALTER TABLE actions ALTER c SET DEFAULT 3;
INSERT INTO actions VALUES (1, 1, 2, 3), (2, NULL, NULL, 1);
\if :v15
ALTER TABLE actions ADD CONSTRAINT partly FOREIGN KEY (a, b) REFERENCES keys (a, b) ON DELETE SET NULL (b);
\endif
CREATE TABLE orphans (id int, employee int);
INSERT INTO orphans VALUES (1, 99);
ALTER TABLE orphans ADD CONSTRAINT later FOREIGN KEY (employee) REFERENCES employees NOT VALID;
CREATE SCHEMA other;
CREATE TABLE other.far (id int REFERENCES public.keys (e));
