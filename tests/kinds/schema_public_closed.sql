-- Schema public, closed to everyone: what hardening guides ask for.
-- beyond: on 13 and 14 pg_dump revokes only USAGE, so that CREATE comes back
DO $$ BEGIN CREATE ROLE kinds_public_user; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO kinds_public_user;
