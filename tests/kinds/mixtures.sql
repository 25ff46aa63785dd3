-- Mixtures: kinds in combinations that no other case has, with what pg_dump's own tests make.
-- beyond-clean: pg_dump drops the keys of partitions of partitions by themselves
SELECT current_setting('server_version_num')::int >= 140000 AS v14, current_setting('server_version_num')::int >= 150000 AS v15,
    current_setting('server_version_num')::int >= 180000 AS v18 \gset
DO $$ BEGIN CREATE ROLE kinds_mixtures; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE "kinds_mixtures ""\\ odd"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA one;
CREATE SCHEMA two;
ALTER SCHEMA public OWNER TO "kinds_mixtures ""\\ odd";
REVOKE ALL ON SCHEMA public FROM "kinds_mixtures ""\\ odd";

-- Default privileges taken from their own role.
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_mixtures REVOKE SELECT ON TABLES FROM kinds_mixtures;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_mixtures IN SCHEMA one GRANT EXECUTE ON FUNCTIONS TO kinds_mixtures;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_mixtures REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE kinds_mixtures REVOKE USAGE ON TYPES FROM PUBLIC;

-- A language whose handler is a C function of its own; a function that supports the planner.
CREATE FUNCTION one.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE mixed HANDLER one.handler;
ALTER LANGUAGE mixed OWNER TO kinds_mixtures;
CREATE FUNCTION one.supported() RETURNS int LANGUAGE sql SUPPORT varchar_support AS ' SELECT 1 ';
CREATE FUNCTION one.in_mixed() RETURNS int LANGUAGE mixed AS 'BEGIN RETURN 1; END';

-- Families: members that need not be there, classes without members, an operator class of a range.
CREATE OPERATOR FAMILY one.family USING btree;
CREATE OPERATOR CLASS one.class FOR TYPE bigint USING btree FAMILY one.family AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 btint8cmp(bigint, bigint), FUNCTION 2 btint8sortsupport(internal), FUNCTION 4 btequalimage(oid);
ALTER OPERATOR FAMILY one.family USING btree ADD OPERATOR 1 < (bigint, int4), OPERATOR 3 = (bigint, int4),
    FUNCTION 1 (int4, int4) btint4cmp(int4, int4);
CREATE OPERATOR CLASS one.empty FOR TYPE bigint USING btree FAMILY one.family AS STORAGE bigint;
CREATE OPERATOR one.~~ (PROCEDURE = int4eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR CLASS one.custom FOR TYPE int USING btree AS OPERATOR 3 one.~~;
CREATE TYPE one.custom_range AS RANGE (subtype = int, subtype_opclass = one.custom);
CREATE CAST (timestamptz AS interval) WITH FUNCTION age(timestamptz) AS ASSIGNMENT;
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE AGGREGATE one.average (sfunc = int4_avg_accum, basetype = int4, stype = _int8, finalfunc = int8_avg,
    finalfunc_modify = shareable, initcond1 = '{0,0}');

-- A column of everything: an array of domains over composites over enums over a range of a domain.
CREATE DOMAIN two.part AS int CHECK (VALUE <> 0) DEFAULT 7 NOT NULL;
CREATE TYPE two.span AS RANGE (subtype = two.part);
CREATE TYPE two.mood AS ENUM ('sad', 'it''s fine', '');
CREATE TYPE two.pair AS (mood two.mood, spans two.span[]);
CREATE DOMAIN two.pairs AS two.pair[] CHECK (cardinality(VALUE) < 3);
CREATE TYPE two.outer AS (pairs two.pairs, again two.pairs[]);
CREATE TABLE two.holder (id int PRIMARY KEY, o two.outer, p two.pair DEFAULT ROW('sad', '{}'), os two.outer[], CHECK ((o).pairs IS NOT NULL));
INSERT INTO two.holder (id, o) VALUES (1, ROW('{}', NULL));
INSERT INTO two.holder VALUES (2, ROW(ARRAY[ROW('it''s fine', '{"[1,4)"}')::two.pair], NULL)::two.outer, NULL, NULL);
CREATE TABLE two.of_type OF two.outer (pairs WITH OPTIONS NOT NULL, CHECK (cardinality(pairs) > 0));
CREATE TABLE two.of_type_too OF two.outer;
ALTER TABLE two.of_type_too ADD CONSTRAINT never CHECK (false) NO INHERIT NOT VALID;
ALTER TYPE two.outer ADD ATTRIBUTE late text CASCADE;
ALTER TYPE two.pair RENAME ATTRIBUTE spans TO "Spans";

-- Partitions in another schema, with a serial, defaults, checks and states of triggers of their own; several levels, a
-- default partition, a partition that was a table with other columns before.
CREATE FUNCTION one.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TABLE one.measured (city serial NOT NULL, at date NOT NULL, peak int CHECK (peak >= -460), sales int) PARTITION BY RANGE (at);
CREATE TABLE two.measured_1 PARTITION OF one.measured (sales DEFAULT 0 CHECK (sales >= 0)) FOR VALUES FROM ('2006-02-01') TO ('2006-03-01');
CREATE TRIGGER told AFTER INSERT ON one.measured FOR EACH ROW EXECUTE FUNCTION one.tell();
CREATE TABLE two.measured_2 PARTITION OF one.measured FOR VALUES FROM ('2006-03-01') TO ('2006-04-01') PARTITION BY HASH (city);
CREATE TABLE two.measured_2a PARTITION OF two.measured_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE one.measured_2b (sales int DEFAULT 5, gone text, city int NOT NULL, peak int CHECK (peak >= -460), at date NOT NULL);
ALTER TABLE one.measured_2b DROP COLUMN gone;
ALTER TABLE one.measured_2b RENAME CONSTRAINT measured_2b_peak_check TO measured_peak_check;
ALTER TABLE two.measured_2 ATTACH PARTITION one.measured_2b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE two.rest PARTITION OF one.measured DEFAULT;
ALTER TABLE two.measured_1 DISABLE TRIGGER told;
ALTER TABLE two.measured_2a ENABLE REPLICA TRIGGER told;
ALTER TABLE one.measured_2b DISABLE TRIGGER told;
ALTER TABLE two.rest ENABLE ALWAYS TRIGGER told;
CREATE INDEX ON one.measured (city, at);
ALTER TABLE one.measured ADD PRIMARY KEY (city, at);
ALTER TABLE two.measured_1 ADD UNIQUE (sales) WITH (fillfactor = 60);
ALTER TABLE two.measured_1 CLUSTER ON measured_1_sales_key;
ALTER TABLE two.measured_1 REPLICA IDENTITY USING INDEX measured_1_pkey;
CREATE TABLE one.refers (city int, at date, FOREIGN KEY (city, at) REFERENCES one.measured ON UPDATE CASCADE ON DELETE SET NULL
    DEFERRABLE INITIALLY DEFERRED) PARTITION BY LIST (city);
CREATE TABLE two.refers_1 PARTITION OF one.refers FOR VALUES IN (1, NULL);
INSERT INTO one.measured VALUES (1, '2006-02-12', 35, 1), (2, '2006-03-12', 36, 2), (3, '2006-03-13', NULL, 3), (4, '2020-01-01', 0, NULL);
INSERT INTO one.refers VALUES (1, '2006-02-12'), (NULL, NULL);
CREATE STATISTICS two.of_partition (dependencies, mcv) ON city, sales FROM two.measured_1;
COMMENT ON STATISTICS two.of_partition IS 'of a partition';
COMMENT ON COLUMN two.measured_1.sales IS 'sold';
COMMENT ON CONSTRAINT measured_1_sales_check ON two.measured_1 IS 'of its own';
COMMENT ON INDEX two.measured_1_pkey IS 'attached';
GRANT SELECT (sales), UPDATE (sales, peak) ON two.measured_1 TO kinds_mixtures;
CREATE POLICY own ON two.measured_1 FOR UPDATE TO kinds_mixtures USING (sales > 0) WITH CHECK (sales < 10);
ALTER TABLE two.measured_1 ENABLE ROW LEVEL SECURITY;
CREATE RULE kept AS ON DELETE TO two.rest WHERE old.city = 4 DO INSTEAD NOTHING;
ALTER TABLE two.rest DISABLE RULE kept;

-- Two trees that meet: columns from both sides, a child of children, values of its own.
CREATE TABLE one.left_side (id int NOT NULL DEFAULT 1, side text DEFAULT 'left', CONSTRAINT shared CHECK (id > 0));
CREATE TABLE one.right_side (side text, id int DEFAULT 2, own_right int, CONSTRAINT shared CHECK (id > 0),
    CONSTRAINT alone CHECK (own_right > 0) NO INHERIT);
CREATE TABLE two.diamond (own int GENERATED ALWAYS AS IDENTITY, side text DEFAULT 'both', id int DEFAULT 3) INHERITS (one.left_side, one.right_side);
CREATE TABLE one.below (id int, more text) INHERITS (two.diamond);
ALTER TABLE one.below ALTER side DROP DEFAULT, ALTER own_right SET DEFAULT 9, ALTER id SET STATISTICS 7,
    ALTER side SET STORAGE EXTERNAL;
ALTER TABLE two.diamond NO INHERIT one.right_side;
ALTER TABLE two.diamond INHERIT one.right_side;
INSERT INTO one.below (id, own, more) VALUES (5, 1, 'x');
INSERT INTO two.diamond DEFAULT VALUES;
CREATE TABLE one.generated (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE one.generated_bare () INHERITS (one.generated);
CREATE TABLE one.generated_own (a int) INHERITS (one.generated);

-- Views over rules over triggers over views; a view that can be written to; one that hangs on its rows' type.
CREATE VIEW one.checked WITH (check_option = local, security_barrier) AS SELECT id, side FROM one.left_side WHERE id > 0;
ALTER VIEW one.checked ALTER COLUMN id SET DEFAULT 11;
CREATE VIEW one.over AS SELECT * FROM one.checked WITH CASCADED CHECK OPTION;
CREATE FUNCTION one.instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE ON one.over FOR EACH ROW EXECUTE FUNCTION one.instead('a', 'it''s', E'\\');
CREATE RULE also AS ON DELETE TO one.over DO ALSO (DELETE FROM one.left_side WHERE id = old.id; NOTIFY "Gone", 'row';);
CREATE FUNCTION one.of_row(one.over) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.side';
CREATE VIEW one.last AS SELECT one.of_row(o) AS named, o.* FROM one.over o;
CREATE TABLE one.rows (o one.over, ls one.last[]);
INSERT INTO one.rows VALUES (ROW(1, 'x'), '{}');
CREATE MATERIALIZED VIEW one.first_made AS SELECT count(*) AS n FROM one.last;
CREATE MATERIALIZED VIEW one.also_made (m) AS SELECT n FROM one.first_made;
CREATE MATERIALIZED VIEW one.never_made AS SELECT m FROM one.also_made WITH NO DATA;
CREATE MATERIALIZED VIEW one.over_never AS SELECT 1 AS x WHERE EXISTS (SELECT FROM pg_class) WITH NO DATA;
CREATE UNIQUE INDEX ON one.also_made (m) INCLUDE (m);
ALTER MATERIALIZED VIEW one.also_made CLUSTER ON also_made_m_m1_idx;
ALTER MATERIALIZED VIEW one.first_made ALTER n SET STATISTICS 3;
GRANT SELECT (n) ON one.first_made TO PUBLIC;
COMMENT ON COLUMN one.first_made.n IS 'how many';
CREATE RECURSIVE VIEW one.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE TEMP VIEW passing AS SELECT 1;

-- Indexes: of expressions with statistics, operators classes with options, collations, conditions, orders.
CREATE TABLE one.indexed (a int, b int, c text COLLATE "C", d tsvector, e int[]);
CREATE INDEX with_targets ON one.indexed ((a + 1), a, (b + 1), lower(c));
ALTER INDEX one.with_targets ALTER COLUMN 1 SET STATISTICS 400;
ALTER INDEX one.with_targets ALTER COLUMN 3 SET STATISTICS 500;
CREATE UNIQUE INDEX odd_one ON one.indexed USING btree (c COLLATE "POSIX" text_pattern_ops DESC NULLS LAST, a NULLS FIRST)
    INCLUDE (b) WITH (fillfactor = 50, deduplicate_items = off) WHERE a > 0 AND c IS NOT NULL;
CREATE INDEX ON one.indexed USING gist (d tsvector_ops (siglen = 100));
CREATE INDEX ON one.indexed USING gin (e, d) WITH (fastupdate = off, gin_pending_list_limit = 128);
CREATE INDEX ON one.indexed USING brin (a int4_minmax_ops, b) WITH (pages_per_range = 4, autosummarize);
ALTER TABLE one.indexed ALTER c SET (n_distinct = -0.5, n_distinct_inherited = 10), SET (autovacuum_enabled = off, toast.autovacuum_enabled = off,
    parallel_workers = 2, vacuum_truncate = false);
ALTER TABLE one.indexed ADD CONSTRAINT used UNIQUE (a) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX with_two ON one.indexed (a, b DESC);
CREATE UNIQUE INDEX with_three ON one.indexed (a, b);
ALTER TABLE one.indexed ADD CONSTRAINT from_index UNIQUE USING INDEX with_three;

-- Sequences against the grain.
CREATE SEQUENCE one.down AS smallint INCREMENT -3 MINVALUE -30 MAXVALUE -1 START -4 CACHE 5 CYCLE;
SELECT nextval('one.down');
CREATE SEQUENCE one.of_other OWNED BY one.indexed.b;
ALTER TABLE one.indexed ALTER a SET DEFAULT nextval('one.of_other');
CREATE SEQUENCE one.handed;
ALTER SEQUENCE one.handed OWNER TO kinds_mixtures;
GRANT USAGE ON SEQUENCE one.handed TO PUBLIC;
SELECT setval('one.handed', 42, false);

-- Foreign things with options of all sorts.
CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1', "B b" 'it''s');
CREATE SERVER far TYPE 't' VERSION 'it''s 1' FOREIGN DATA WRAPPER w OPTIONS (host 'h');
CREATE USER MAPPING FOR kinds_mixtures SERVER far;
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'it''s');
CREATE FOREIGN TABLE two.distant (c1 int OPTIONS (column_name 'col1', "Odd" '') NOT NULL DEFAULT 3, c2 text COLLATE "C" CHECK (c2 <> ''))
    INHERITS (one.right_side) SERVER far OPTIONS (schema_name 'x1');
CREATE TABLE one.spread (a int, b text DEFAULT 'x' NOT NULL) PARTITION BY LIST (a);
CREATE FOREIGN TABLE two.far_part PARTITION OF one.spread (b DEFAULT 'far') FOR VALUES IN (99) SERVER far;
GRANT USAGE ON FOREIGN SERVER far TO kinds_mixtures WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER w TO kinds_mixtures;
CREATE TRIGGER told BEFORE UPDATE OF c1 ON two.distant FOR EACH ROW WHEN (old.c1 IS DISTINCT FROM new.c1) EXECUTE FUNCTION one.tell();

-- Procedures, functions with every mode of argument, window functions, polymorphic ones, settings.
CREATE PROCEDURE one.proceed(a int, INOUT b text DEFAULT 'x', VARIADIC c int[] DEFAULT '{}') LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION one.modes(a int, OUT b int, INOUT c text, d two.mood DEFAULT 'sad') RETURNS record LANGUAGE sql AS $$ SELECT 1, 'x' $$
    SET search_path = one, "$user", 'odd, name' SET "my.setting" = 'a, b' SET work_mem = '3MB' SET DateStyle = 'ISO, DMY';
CREATE FUNCTION one.many(anyelement, anyarray) RETURNS TABLE (a int, "B" anyelement) LANGUAGE sql COST 7 ROWS 3 LEAKPROOF PARALLEL SAFE
    AS 'SELECT 1, $1';
CREATE FUNCTION one.quoting() RETURNS text LANGUAGE sql SECURITY DEFINER AS $q$ SELECT '$$ $_$ x'::text || $$y$$ || E'\'' $q$;
REVOKE EXECUTE ON FUNCTION one.quoting() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE one.proceed(int, text, int[]) TO kinds_mixtures;
COMMENT ON ROUTINE one.proceed(int, text, int[]) IS 'a routine';
CREATE FUNCTION one.watched() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION one.watched();
ALTER EVENT TRIGGER watching ENABLE REPLICA;

-- Publications of partitions and of what inherits.
CREATE PUBLICATION by_root FOR TABLE one.measured, two.diamond, ONLY one.left_side WITH (publish_via_partition_root);
CREATE PUBLICATION none WITH (publish = '');
COMMENT ON PUBLICATION none IS 'of nothing';

\if :v14
ALTER TABLE one.indexed ALTER c SET COMPRESSION pglz;
CREATE MATERIALIZED VIEW one.squeezed AS SELECT c FROM one.indexed;
ALTER MATERIALIZED VIEW one.squeezed ALTER c SET COMPRESSION pglz;
CREATE STATISTICS one.of_terms ON (a + b), (2 * a), c FROM one.indexed;
ALTER STATISTICS one.of_terms SET STATISTICS 0;
CREATE FUNCTION one.atomic(x two.mood DEFAULT 'sad', OUT n bigint) LANGUAGE sql BEGIN ATOMIC
    INSERT INTO one.rows DEFAULT VALUES; WITH w AS (DELETE FROM one.refers RETURNING *) SELECT count(*) FROM w, one.last; END;
CREATE VIEW one.over_atomic AS SELECT one.atomic() AS n;
CREATE TABLE one.multi (r two.span, m nummultirange DEFAULT '{[1,2)}');
INSERT INTO one.multi VALUES ('[1,4)');
\endif
\if :v15
ALTER PUBLICATION by_root ADD TABLE one.indexed (a, c) WHERE (a > 0);
CREATE PUBLICATION of_schemas FOR TABLES IN SCHEMA one, two;
ALTER TABLE one.indexed ADD CONSTRAINT no_two_nulls UNIQUE NULLS NOT DISTINCT (b, a) INCLUDE (c);
CREATE VIEW one.as_caller WITH (security_invoker, check_option = cascaded) AS SELECT id FROM one.checked;
CREATE TABLE one.half (a int, b int, c int, FOREIGN KEY (a, b) REFERENCES one.indexed (a, b) ON DELETE SET NULL (b));
\endif
\if :v18
CREATE TABLE one.newest (a int NOT NULL, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int CONSTRAINT "c is there" NOT NULL NO INHERIT,
    d int4range, e int4range, CONSTRAINT temporal UNIQUE (e, d WITHOUT OVERLAPS), CHECK (b > 0) NOT ENFORCED);
CREATE TABLE one.newest_child (CONSTRAINT mine NOT NULL a) INHERITS (one.newest);
\endif
