-- Extensions in real use: types, operators, indexes, functions and views of theirs in the application's objects.
-- needs: hstore citext ltree pg_trgm pgcrypto tablefunc postgres_fdw btree_gist unaccent
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree SCHEMA ext;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION tablefunc;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION btree_gist;
CREATE EXTENSION unaccent;
CREATE TABLE people (id int PRIMARY KEY, mail ext.citext UNIQUE, path ext.ltree, attributes hstore,
    secret bytea DEFAULT digest('x', 'sha256'), during daterange,
    EXCLUDE USING gist (id WITH =, during WITH &&));
INSERT INTO people VALUES (1, 'A@b.c', 'top.a', 'k=>"v w"', DEFAULT, '[2020-01-01,2021-01-01)'), (2, 'x@y', 'top', NULL, NULL, NULL);
CREATE INDEX ON people USING gin (attributes);
CREATE INDEX ON people USING gist (path);
CREATE INDEX ON people USING gin ((mail::text) gin_trgm_ops);
CREATE DOMAIN address AS ext.citext CHECK (VALUE OPERATOR(ext.~) '@');
CREATE FUNCTION depth(ext.ltree) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ext.nlevel($1)';
CREATE INDEX ON people (depth(path));
CREATE VIEW alike AS SELECT a.id, similarity(a.mail::text, b.mail::text) AS s FROM people a, people b WHERE a.mail::text % b.mail::text;
CREATE MATERIALIZED VIEW crossed AS SELECT * FROM crosstab('SELECT 1, ''a'', 2') AS c (row int, a int);
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere', dbname 'd');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u');
CREATE FOREIGN TABLE remote (id int, mail ext.citext) SERVER far OPTIONS (schema_name 's', table_name 't');
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
ALTER FUNCTION depth(ext.ltree) DEPENDS ON EXTENSION ltree;
