-- Collations of libc and ICU; nondeterministic; owned, used by columns, domains and indexes.
DO $$ BEGIN CREATE ROLE kinds_collations; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE COLLATION s.plain (provider = libc, locale = 'C');
CREATE COLLATION "Two Halves" (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');
CREATE COLLATION swedish (provider = icu, locale = 'sv-SE');
CREATE COLLATION careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION copied FROM "C";
COMMENT ON COLLATION careless IS 'case does not count';
ALTER COLLATION swedish OWNER TO kinds_collations;
CREATE DOMAIN word AS text COLLATE swedish;
CREATE TABLE t (a text COLLATE s.plain, b text COLLATE careless PRIMARY KEY, c word COLLATE "Two Halves", d word);
INSERT INTO t VALUES ('a', 'B', 'c', 'd');
CREATE INDEX ON t (a COLLATE swedish);
CREATE TYPE with_collation AS (a text COLLATE careless);
