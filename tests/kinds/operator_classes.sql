-- Operator classes and families: loose members, storage types, ordering operators, families of another name.
DO $$ BEGIN CREATE ROLE kinds_operator_classes; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE FUNCTION s.backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE FUNCTION s.backwards(int, bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT -btint48cmp($1, $2)';
CREATE FUNCTION s.backwards(bigint, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT -btint84cmp($1, $2)';
CREATE OPERATOR FAMILY s.backwards_family USING btree;
CREATE OPERATOR CLASS s.backwards_ops FOR TYPE int USING btree FAMILY s.backwards_family AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 s.backwards(int, int);
ALTER OPERATOR FAMILY s.backwards_family USING btree ADD
    OPERATOR 1 > (int, bigint), OPERATOR 2 >= (int, bigint), OPERATOR 3 = (int, bigint), OPERATOR 4 <= (int, bigint),
    OPERATOR 5 < (int, bigint), FUNCTION 1 (int, bigint) s.backwards(int, bigint),
    FUNCTION 1 (bigint, int) s.backwards(bigint, int);
CREATE OPERATOR CLASS same_name FOR TYPE text USING hash AS OPERATOR 1 =, FUNCTION 1 hashtext(text), FUNCTION 2 hashtextextended(text, bigint);
CREATE OPERATOR FAMILY "Empty Family" USING gin;
CREATE OPERATOR CLASS boxes FOR TYPE point USING gist AS
    OPERATOR 1 <<, OPERATOR 15 <-> (point, point) FOR ORDER BY float_ops,
    FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 3 gist_point_compress(internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal),
    FUNCTION 8 (point, point) gist_point_distance(internal, point, smallint, oid, internal), STORAGE box;
CREATE DOMAIN money_text AS text;
CREATE TYPE e AS ENUM ('a');
CREATE OPERATOR CLASS e_ops DEFAULT FOR TYPE e USING gin AS STORAGE text;
COMMENT ON OPERATOR CLASS s.backwards_ops USING btree IS 'the other way round';
COMMENT ON OPERATOR FAMILY s.backwards_family USING btree IS 'family of the other way round';
ALTER OPERATOR CLASS same_name USING hash OWNER TO kinds_operator_classes;
ALTER OPERATOR FAMILY "Empty Family" USING gin OWNER TO kinds_operator_classes;
CREATE TABLE t (a int, b text, c point);
INSERT INTO t VALUES (1, 'b', '(1,2)'), (2, 'c', NULL);
CREATE INDEX ON t (a s.backwards_ops);
CREATE INDEX ON t USING hash (b same_name);
