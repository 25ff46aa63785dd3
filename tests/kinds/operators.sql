-- Operators: binary, prefix, with commutators, negators, estimators; each other's; in other schemas.
DO $$ BEGIN CREATE ROLE kinds_operators; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE SCHEMA "Other Schema";
CREATE TYPE s.pair AS (a int, b int);
CREATE FUNCTION s.pair_equal(s.pair, s.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a = $2.a AND $1.b = $2.b';
CREATE FUNCTION s.pair_differ(s.pair, s.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT NOT s.pair_equal($1, $2)';
CREATE FUNCTION s.negate(s.pair) RETURNS s.pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW(-$1.a, -$1.b)::s.pair';
CREATE OPERATOR s.=== (FUNCTION = s.pair_equal, LEFTARG = s.pair, RIGHTARG = s.pair, COMMUTATOR = OPERATOR(s.===),
    NEGATOR = OPERATOR(s.!==), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR s.!== (FUNCTION = s.pair_differ, LEFTARG = s.pair, RIGHTARG = s.pair, NEGATOR = OPERATOR(s.===),
    COMMUTATOR = OPERATOR(s.!==), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR "Other Schema".@@@ (FUNCTION = s.negate, RIGHTARG = s.pair);
CREATE FUNCTION less(int, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < length($2)';
CREATE FUNCTION greater(text, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT length($1) > $2';
CREATE OPERATOR <# (FUNCTION = less, LEFTARG = int, RIGHTARG = text, COMMUTATOR = #>);
CREATE OPERATOR #> (FUNCTION = greater, LEFTARG = text, RIGHTARG = int, COMMUTATOR = <#);
-- Its commutator was promised and never made.
CREATE FUNCTION half(text, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR ##> (FUNCTION = half, LEFTARG = text, RIGHTARG = bigint);
COMMENT ON OPERATOR s.=== (s.pair, s.pair) IS 'equal';
COMMENT ON OPERATOR "Other Schema".@@@ (NONE, s.pair) IS 'the other way';
ALTER OPERATOR <# (int, text) OWNER TO kinds_operators;
CREATE TABLE t (p s.pair CHECK (p OPERATOR(s.===) p));
INSERT INTO t VALUES ('(1,2)');
CREATE VIEW v AS SELECT OPERATOR("Other Schema".@@@) p AS n FROM t WHERE p OPERATOR(s.!==) '(3,4)';
