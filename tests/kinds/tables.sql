-- Tables: columns of every sort, defaults, generated columns, storage, options, unlogged, dropped columns, no columns.
SELECT current_setting('server_version_num')::int >= 140000 AS v14,
       current_setting('server_version_num')::int >= 160000 AS v16 \gset

CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';

CREATE TABLE columns (
    id int NOT NULL,
    "Quoted ""Column""" text,
    "select" int,
    fixed char(3),
    varying varchar(20) NOT NULL DEFAULT 'it''s',
    exact numeric(10, 3),
    negative numeric(3, 2) DEFAULT -1.5,
    any_length varchar,
    bits bit(4) DEFAULT B'1010',
    more_bits bit varying(8),
    at timestamptz(3) DEFAULT now(),
    t time(0) with time zone,
    d interval day to second(3),
    y interval year,
    many int[],
    matrix text[][],
    collated text COLLATE "C",
    both_of text COLLATE "POSIX" NOT NULL DEFAULT 'x'::text,
    computed int DEFAULT (1 + 2) * 3,
    called int DEFAULT twice(21),
    nothing int DEFAULT NULL,
    js jsonb DEFAULT '{"a": [1, 2, null]}'::jsonb,
    doubled int GENERATED ALWAYS AS (id * 2) STORED,
    lowered text GENERATED ALWAYS AS (lower("Quoted ""Column""")) STORED NOT NULL
);
COMMENT ON TABLE columns IS E'two\nlines; -- not a comment';
COMMENT ON COLUMN columns."Quoted ""Column""" IS 'quoted';
COMMENT ON COLUMN columns.id IS 'first';
INSERT INTO columns (id, "Quoted ""Column""", fixed, exact, at, d) VALUES
    (1, 'ABC', 'x', 1.5, '2024-02-29 12:00:00.123+00', '1 day 02:03:04.567'),
    (2, E'tab\there\nnewline\\backslash', 'xyz', NULL, NULL, NULL),
    (3, '', NULL, -0.001, 'infinity', NULL),
    (4, '\.', NULL, 'NaN', '-infinity', NULL);

CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;

CREATE TABLE only_generated (g int GENERATED ALWAYS AS (42) STORED);
INSERT INTO only_generated DEFAULT VALUES;

CREATE TABLE dropped (a int, gone text, b text, gone_too int, c int DEFAULT 3);
INSERT INTO dropped VALUES (1, 'x', 'one', 1, 1), (2, 'y', 'two', 2, 2);
ALTER TABLE dropped DROP COLUMN gone;
ALTER TABLE dropped DROP COLUMN gone_too;
ALTER TABLE dropped ADD COLUMN added int DEFAULT 7;

CREATE UNLOGGED TABLE unlogged (id int);
INSERT INTO unlogged VALUES (1), (2);

CREATE TABLE options (a int, b text) WITH (
    fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_vacuum_threshold = 100, parallel_workers = 4
);
CREATE TABLE stored (plain text, ext text, main text, extended text, b bytea);
ALTER TABLE stored ALTER plain SET STORAGE PLAIN, ALTER ext SET STORAGE EXTERNAL, ALTER main SET STORAGE MAIN;
ALTER TABLE stored ALTER b SET STATISTICS 500, ALTER main SET STATISTICS 0;
ALTER TABLE stored ALTER ext SET (n_distinct = -0.5, n_distinct_inherited = 10);
\if :v14
ALTER TABLE stored ALTER extended SET COMPRESSION pglz;
DO $$ BEGIN ALTER TABLE stored ALTER b SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN RAISE NOTICE 'this server knows no lz4'; END $$;
\endif
INSERT INTO stored SELECT repeat('p', 100), repeat('e', 5000), repeat('m', 5000), repeat('x', 5000), decode(repeat('00ff', 3000), 'hex');

CREATE TABLE "Table; DROP TABLE x" ("Column -- x" int, "tab	tab" int, "%s" int, "a""b'c\d" int);
INSERT INTO "Table; DROP TABLE x" VALUES (1, 2, 3, 4);

CREATE TYPE row_type AS (a int, b text);
CREATE TABLE typed OF row_type (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'typed' NOT NULL);
CREATE TABLE typed_plainly OF row_type;
INSERT INTO typed VALUES (1, DEFAULT);
