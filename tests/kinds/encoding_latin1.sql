-- A database in LATIN1: names, comments, rows and bodies with its letters.
-- database: ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0
CREATE TABLE "größe" ("ä" text DEFAULT 'ö');
INSERT INTO "größe" VALUES ('ÿ é ß'), (DEFAULT);
COMMENT ON TABLE "größe" IS 'Maß';
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'ñ'::text $$;
CREATE TYPE e AS ENUM ('ä', 'ö');
SELECT lo_from_bytea(900001, '\xe4ff');
