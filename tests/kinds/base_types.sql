-- Base types: fixed and variable length, with all options; arrays of them; shell types.
DO $$ BEGIN CREATE ROLE kinds_base_types; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE TYPE s.point_id;
CREATE FUNCTION s.point_id_in(cstring) RETURNS s.point_id LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION s.point_id_out(s.point_id) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE FUNCTION s.point_id_recv(internal) RETURNS s.point_id LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE FUNCTION s.point_id_send(s.point_id) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
CREATE TYPE s.point_id (INPUT = s.point_id_in, OUTPUT = s.point_id_out, RECEIVE = s.point_id_recv,
    SEND = s.point_id_send, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4, DEFAULT = '7', CATEGORY = 'N',
    PREFERRED = true, DELIMITER = ';');
COMMENT ON TYPE s.point_id IS 'an integer that is not one';
ALTER TYPE s.point_id OWNER TO kinds_base_types;
REVOKE USAGE ON TYPE s.point_id FROM PUBLIC;

CREATE TYPE word;
CREATE FUNCTION word_in(cstring, oid, int) RETURNS word LANGUAGE internal IMMUTABLE STRICT AS 'varcharin';
CREATE FUNCTION word_out(word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE FUNCTION word_typmod_in(cstring[]) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
CREATE FUNCTION word_typmod_out(int) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout';
CREATE TYPE word (INPUT = word_in, OUTPUT = word_out, TYPMOD_IN = word_typmod_in, TYPMOD_OUT = word_typmod_out,
    STORAGE = extended, COLLATABLE = true, DEFAULT = 'it''s \ a default');
CREATE TYPE bare;
CREATE FUNCTION bare_in(cstring) RETURNS bare LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION bare_out(bare) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE TYPE bare (INPUT = bare_in, OUTPUT = bare_out, STORAGE = main, ALIGNMENT = double);
CREATE TYPE "Only a Shell";
COMMENT ON TYPE "Only a Shell" IS 'not yet a type';
CREATE FUNCTION takes_shell("Only a Shell") RETURNS int LANGUAGE internal AS 'int4in';

CREATE TABLE t (id s.point_id, w word(5), many s.point_id[], plain word DEFAULT 'x', b bare);
INSERT INTO t VALUES ('12', 'abc', '{1;2}', DEFAULT, '\x01');
