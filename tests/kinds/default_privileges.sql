-- Default privileges: for all schemas against the built-in ones, in one schema on top.
DO $$ BEGIN CREATE ROLE kinds_default_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE "Kinds Default User"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner GRANT SELECT ON TABLES TO "Kinds Default User";
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner GRANT ALL ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner REVOKE ALL ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner GRANT USAGE ON SCHEMAS TO "Kinds Default User" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner REVOKE INSERT ON TABLES FROM kinds_default_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner IN SCHEMA s GRANT SELECT, INSERT ON TABLES TO "Kinds Default User";
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_default_owner IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT ALL ON TABLES TO kinds_default_owner;
-- Made before: what they have says nothing of what others will have.
CREATE TABLE s.t (a int);
INSERT INTO s.t VALUES (1);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION f() OWNER TO kinds_default_owner;
