-- Range types: with collation, operator class, difference and canonical functions.
CREATE SCHEMA s;
CREATE TYPE s.float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");
CREATE TYPE pattern_range AS RANGE (subtype = text, subtype_opclass = text_pattern_ops);
CREATE TYPE "Odd Range" AS RANGE (subtype = timestamp(3));
CREATE FUNCTION minus(inet, inet) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS 'SELECT ($1 - $2)::float8';
CREATE TYPE inet_range AS RANGE (subtype = inet, subtype_diff = minus);
CREATE TYPE day_range;
CREATE FUNCTION day_canonical(day_range) RETURNS day_range LANGUAGE internal IMMUTABLE STRICT AS 'daterange_canonical';
CREATE TYPE day_range AS RANGE (subtype = date, canonical = day_canonical);
COMMENT ON TYPE day_range IS 'days';
COMMENT ON TYPE "Odd Range" IS 'odd';
CREATE TABLE t (a s.float_range, b text_range, c inet_range, d day_range, e day_range[], f "Odd Range");
INSERT INTO t VALUES ('[1.5,2]', '(a,b)', '[10.0.0.1,10.0.0.9)', '[2020-01-01,2020-01-31]', '{"[2020-01-01,2020-01-02)"}', 'empty');
CREATE INDEX ON t USING gist (c);
CREATE FUNCTION f(s.float_range) RETURNS boolean LANGUAGE sql AS 'SELECT isempty($1)';
