-- Owners and privileges: on each kind of this database, with grant option, by other grantors, taken from the owner and
-- from PUBLIC, on columns, and default privileges.
DO $$ BEGIN CREATE ROLE kinds_priv_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE kinds_priv_a; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE kinds_priv_b; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE "kinds_priv Odd ""Role"""; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s AUTHORIZATION kinds_priv_owner;
GRANT USAGE ON SCHEMA s TO kinds_priv_a, kinds_priv_b;

CREATE TABLE s.t (id serial, secret text, open text);
ALTER TABLE s.t OWNER TO kinds_priv_owner;
GRANT SELECT, INSERT ON s.t TO kinds_priv_a WITH GRANT OPTION;
GRANT ALL ON s.t TO "kinds_priv Odd ""Role""";
GRANT SELECT (open), UPDATE (open, secret) ON s.t TO kinds_priv_b;
GRANT INSERT (open) ON s.t TO kinds_priv_b WITH GRANT OPTION;
GRANT TRUNCATE, REFERENCES ON s.t TO PUBLIC;
SET SESSION AUTHORIZATION kinds_priv_a;
GRANT SELECT ON s.t TO kinds_priv_b;
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SEQUENCE s.t_id_seq TO kinds_priv_a;

CREATE TABLE mine (a int);
REVOKE ALL ON mine FROM postgres;
CREATE TABLE read_only (a int);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON read_only FROM postgres;
INSERT INTO s.t (secret, open) VALUES ('x', 'y');

CREATE FUNCTION open_function() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION closed_function(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION closed_function(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION closed_function(int) TO kinds_priv_a;
CREATE PROCEDURE closed_procedure() LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON PROCEDURE closed_procedure() FROM PUBLIC;
ALTER PROCEDURE closed_procedure() OWNER TO kinds_priv_owner;
CREATE TYPE mood AS ENUM ('a');
REVOKE USAGE ON TYPE mood FROM PUBLIC;
ALTER TYPE mood OWNER TO kinds_priv_owner;
CREATE DOMAIN d AS int;
GRANT USAGE ON DOMAIN d TO kinds_priv_a;
CREATE VIEW v AS SELECT 1 AS one;
GRANT SELECT ON v TO kinds_priv_a;
ALTER VIEW v OWNER TO kinds_priv_owner;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
GRANT SELECT (one) ON m TO kinds_priv_b;
CREATE SEQUENCE q;
GRANT USAGE, UPDATE ON SEQUENCE q TO kinds_priv_a;
ALTER SEQUENCE q OWNER TO kinds_priv_owner;

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO kinds_priv_a;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_priv_owner IN SCHEMA s GRANT ALL ON SEQUENCES TO kinds_priv_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_priv_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_priv_owner GRANT USAGE ON SCHEMAS TO kinds_priv_a;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT USAGE ON TYPES TO kinds_priv_b;
GRANT SELECT ON pg_catalog.pg_authid TO kinds_priv_a;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC;
SELECT current_setting('server_version_num')::int >= 170000 AS v17 \gset
\if :v17
GRANT MAINTAIN ON s.t TO kinds_priv_b WITH GRANT OPTION;
REVOKE MAINTAIN ON read_only FROM postgres;
\endif
