-- Privileges changed on members of extensions and on the system's own objects.
-- needs: pg_stat_statements pgcrypto postgres_fdw
DO $$ BEGIN CREATE ROLE kinds_changed; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION postgres_fdw;
REVOKE SELECT ON pg_stat_statements FROM PUBLIC;
GRANT SELECT ON pg_stat_statements TO kinds_changed;
GRANT EXECUTE ON FUNCTION pg_stat_statements_reset TO kinds_changed;
REVOKE EXECUTE ON FUNCTION gen_random_bytes(int) FROM PUBLIC;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO kinds_changed;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO kinds_changed;
REVOKE EXECUTE ON FUNCTION pg_catalog.version() FROM PUBLIC;
GRANT SELECT ON pg_catalog.pg_authid TO kinds_changed;
GRANT SELECT (rolpassword) ON pg_catalog.pg_authid TO kinds_changed;
REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
