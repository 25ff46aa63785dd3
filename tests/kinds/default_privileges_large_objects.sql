-- Default privileges for large objects.
-- min: 18
DO $$ BEGIN CREATE ROLE kinds_default_large; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO kinds_default_large;
SELECT lo_create(900001);
