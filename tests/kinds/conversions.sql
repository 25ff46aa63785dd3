-- Conversions, one of them the default.
DO $$ BEGIN CREATE ROLE kinds_conversions; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE CONVERSION s.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION "Mine" FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
COMMENT ON CONVERSION s.latin IS 'latin';
ALTER CONVERSION s.latin OWNER TO kinds_conversions;
