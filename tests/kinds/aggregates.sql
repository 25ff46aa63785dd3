-- Aggregates: ordinary, without arguments, ordered-set, hypothetical, moving, parallel; all options.
DO $$ BEGIN CREATE ROLE kinds_aggregates; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE AGGREGATE s.sum2(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE AGGREGATE counter(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0', PARALLEL = safe, COMBINEFUNC = int8pl);
CREATE AGGREGATE biggest(float8) (SFUNC = float8larger, STYPE = float8, SORTOP = >, PARALLEL = restricted);
CREATE AGGREGATE average(float8) (SFUNC = float8_accum, STYPE = float8[], SSPACE = 128, FINALFUNC = float8_avg,
    FINALFUNC_MODIFY = SHAREABLE, COMBINEFUNC = float8_combine, INITCOND = '{0,0,0}');
CREATE AGGREGATE list(float8) (SFUNC = array_append, STYPE = float8[], INITCOND = '{}');
CREATE AGGREGATE numbers(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, SSPACE = 128, FINALFUNC = numeric_avg,
    FINALFUNC_MODIFY = READ_WRITE, COMBINEFUNC = numeric_avg_combine,
    SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = safe);
CREATE AGGREGATE moving(float8) (SFUNC = float8pl, STYPE = float8, INITCOND = '0', MSFUNC = float8pl,
    MINVFUNC = float8mi, MSTYPE = float8, MSSPACE = 8, MINITCOND = '0', MFINALFUNC = float8abs,
    MFINALFUNC_MODIFY = READ_WRITE);
CREATE AGGREGATE rank_of(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE place_of(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi,
    STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE FUNCTION array_append_all(int[], VARIADIC int[]) RETURNS int[] LANGUAGE sql AS 'SELECT $1 || $2';
CREATE AGGREGATE spread(VARIADIC items int[]) (SFUNC = array_append_all, STYPE = int[]);
COMMENT ON AGGREGATE counter(*) IS 'counts';
COMMENT ON AGGREGATE place_of(VARIADIC "any" ORDER BY VARIADIC "any") IS 'which place it would have';
COMMENT ON AGGREGATE spread(VARIADIC int[]) IS 'variadic';
ALTER AGGREGATE rank_of(float8 ORDER BY anyelement) OWNER TO kinds_aggregates;
REVOKE ALL ON FUNCTION counter() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION counter() TO kinds_aggregates;
GRANT EXECUTE ON FUNCTION rank_of(float8, anyelement) TO kinds_aggregates WITH GRANT OPTION;
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
CREATE VIEW v AS SELECT counter(*) AS n, s.sum2(a) AS total FROM t;
