-- A database without an encoding: bytes come back as they are, in rows, names, comments, defaults, bodies.
-- database: ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0
SET client_encoding = 'SQL_ASCII';
CREATE TABLE t (a text);
INSERT INTO t VALUES (convert_from('\xe4f6fc', 'SQL_ASCII')), (convert_from('\xff80', 'SQL_ASCII')), ('plain');
CREATE TABLE u (a text);
INSERT INTO u VALUES ('ä');
COMMENT ON TABLE u IS 'übrig';
-- In LATIN1: a size, a measure; in UTF-8 and LATIN1 at once; what stands for bytes in between.
SELECT convert_from('\x6772f6df65', 'SQL_ASCII') AS size, convert_from('\x6d61df', 'SQL_ASCII') AS measure,
    convert_from('\xc3a4e4f48fbfa4', 'SQL_ASCII') AS both, convert_from('\xf48fbe80ff22', 'SQL_ASCII') AS odd \gset
CREATE SCHEMA :"size";
COMMENT ON SCHEMA :"size" IS :'odd';
CREATE TABLE :"size".:"size" (:"measure" text DEFAULT :'both', id serial PRIMARY KEY, CONSTRAINT :"both" CHECK (:"measure" <> :'size'));
INSERT INTO :"size".:"size" (:"measure") VALUES (:'measure'), (:'odd'), (DEFAULT);
COMMENT ON TABLE :"size".:"size" IS :'both';
COMMENT ON COLUMN :"size".:"size".:"measure" IS :'measure';
CREATE TABLE :"odd" (:"both" int, :"odd" int REFERENCES :"size".:"size") PARTITION BY LIST (:"both");
CREATE TABLE :"both" PARTITION OF :"odd" FOR VALUES IN (1);
INSERT INTO :"odd" VALUES (1, 1), (1, 3);
CREATE INDEX :"size" ON :"odd" (:"odd") WHERE :"both" > 0;
CREATE SEQUENCE :"size".:"odd" START 5;
SELECT nextval(format('%I.%I', :'size', :'odd'));
CREATE VIEW :"measure" AS SELECT :"measure" AS :"both", :'odd'::text AS x FROM :"size".:"size";
CREATE MATERIALIZED VIEW :"size".:"both" AS SELECT :"both" FROM :"measure";
SET check_function_bodies = off;
CREATE FUNCTION :"size".:"measure"(:"both" text) RETURNS text LANGUAGE sql AS :'both';
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'plain'; END $$;
COMMENT ON FUNCTION f() IS :'size';
CREATE TYPE :"size".mood AS ENUM (:'measure', :'odd', 'plain');
CREATE DOMAIN :"size".:"measure" AS text CHECK (VALUE <> :'measure');
CREATE STATISTICS :"size" ON :"measure", id FROM :"size".:"size";
CREATE RULE :"size" AS ON DELETE TO t DO INSTEAD NOTHING;
CREATE POLICY :"both" ON t USING (a <> :'odd');
GRANT SELECT (:"measure") ON :"size".:"size" TO PUBLIC;
SELECT lo_create(900002);
COMMENT ON LARGE OBJECT 900002 IS :'measure';
