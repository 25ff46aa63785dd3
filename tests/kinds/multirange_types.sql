-- Multirange types, with names of their own, in columns.
-- min: 14
CREATE TYPE plain AS RANGE (subtype = float8);
CREATE TYPE named AS RANGE (subtype = float8, multirange_type_name = "Many Named");
CREATE TABLE t (a "Many Named", b plain_multirange);
INSERT INTO t VALUES ('{[1,2],[3,4]}', '{}');
CREATE FUNCTION f("Many Named") RETURNS boolean LANGUAGE sql AS 'SELECT isempty($1)';
