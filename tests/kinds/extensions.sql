-- Extensions: several that need one another against the order of names, in schemas of their own, and objects using them.
DO $$ BEGIN CREATE ROLE kinds_ext_user; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA ext;
CREATE SCHEMA "Odd Schema";
CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION citext SCHEMA "Odd Schema";
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION tablefunc;
CREATE EXTENSION earthdistance CASCADE;
CREATE EXTENSION "uuid-ossp";
COMMENT ON EXTENSION pgcrypto IS 'changed comment';

CREATE TABLE t (
    id uuid DEFAULT uuid_generate_v4() PRIMARY KEY,
    attributes ext.hstore DEFAULT 'a=>1',
    email "Odd Schema".citext UNIQUE,
    path ltree,
    place earth,
    password text DEFAULT crypt('x', '$1$abcdefgh$')
);
INSERT INTO t VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '"k k"=>"v\"v", n=>NULL', 'A@B.c', 'a.b.c', ll_to_earth(1, 2), 'x'),
    (uuid_nil(), NULL, NULL, '', NULL, NULL);
CREATE INDEX by_attribute ON t USING gin (attributes ext.gin_hstore_ops);
CREATE INDEX by_path ON t USING gist (path);
CREATE INDEX by_mail ON t USING gin ((email::text) ext.gin_trgm_ops);
CREATE VIEW v AS SELECT id, attributes OPERATOR(ext.->) 'a' AS a, email OPERATOR("Odd Schema".=) 'x' AS same FROM t;
CREATE FUNCTION attribute(ext.hstore, text) RETURNS text LANGUAGE sql AS 'SELECT ext.fetchval($1, $2)';
REVOKE EXECUTE ON FUNCTION digest(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION digest(text, text) TO kinds_ext_user;
CREATE FUNCTION depends() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION depends() DEPENDS ON EXTENSION ltree;
CREATE INDEX dependent ON t (password);
ALTER INDEX dependent DEPENDS ON EXTENSION pgcrypto;
