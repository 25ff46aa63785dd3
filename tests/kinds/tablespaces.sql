-- Tablespaces: of tables, indexes, keys, materialised views and partitioned tables; the default one in between.
-- Tablespaces belong to the whole server, which may have them from another test.
\set ON_ERROR_STOP off
SET allow_in_place_tablespaces = on;
SET client_min_messages = fatal;
CREATE TABLESPACE kinds_space LOCATION '';
CREATE TABLESPACE "Kinds Space" LOCATION '';
RESET client_min_messages;
\set ON_ERROR_STOP on
CREATE TABLE here (a int PRIMARY KEY, b int UNIQUE);
CREATE TABLE there (a int PRIMARY KEY USING INDEX TABLESPACE "Kinds Space", b int UNIQUE) TABLESPACE kinds_space;
CREATE INDEX here_there ON here (b) TABLESPACE kinds_space;
CREATE INDEX there_here ON there (b);
CREATE TABLE again_here (a int);
CREATE MATERIALIZED VIEW seen TABLESPACE "Kinds Space" AS SELECT a FROM there;
CREATE TABLE parted (a int) PARTITION BY LIST (a) TABLESPACE kinds_space;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2) TABLESPACE pg_default;
CREATE INDEX parted_a ON parted (a) TABLESPACE "Kinds Space";
INSERT INTO there VALUES (1, 1);
INSERT INTO parted VALUES (1), (2);
