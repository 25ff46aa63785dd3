-- Procedural languages, trusted or not, with privileges; functions in them.
DO $$ BEGIN CREATE ROLE kinds_languages; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE FUNCTION my_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION my_inline(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION my_validator(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE trusted HANDLER my_handler INLINE my_inline VALIDATOR my_validator;
CREATE LANGUAGE "Not Trusted" HANDLER my_handler;
COMMENT ON LANGUAGE trusted IS 'as plpgsql';
ALTER LANGUAGE trusted OWNER TO kinds_languages;
REVOKE USAGE ON LANGUAGE trusted FROM PUBLIC;
CREATE FUNCTION f() RETURNS int LANGUAGE trusted AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION g() RETURNS int LANGUAGE "Not Trusted" AS $$ BEGIN RETURN 1; END $$;
