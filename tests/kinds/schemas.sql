-- Schemas: with owners, comments and privileges; public changed.
DO $$ BEGIN CREATE ROLE kinds_schemas_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE kinds_schemas_user; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'it''s the application''s own: a\b';
CREATE SCHEMA owned AUTHORIZATION kinds_schemas_owner;
GRANT USAGE ON SCHEMA owned TO kinds_schemas_user WITH GRANT OPTION;
GRANT CREATE ON SCHEMA app TO kinds_schemas_user;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE SCHEMA "Quoted ""Schema""";
CREATE SCHEMA "select";
CREATE SCHEMA empty;
COMMENT ON SCHEMA public IS 'changed';
GRANT USAGE ON SCHEMA public TO kinds_schemas_user;

CREATE TABLE app.t (a int);
CREATE TABLE owned.t (a int);
ALTER TABLE owned.t OWNER TO kinds_schemas_owner;
CREATE TABLE "Quoted ""Schema"""."T" (a int);
CREATE TABLE "select".t (a int);
INSERT INTO app.t VALUES (1);
INSERT INTO owned.t VALUES (2);
INSERT INTO "Quoted ""Schema"""."T" VALUES (3);
