-- Text search: parsers, templates, dictionaries with options, configurations with mappings.
DO $$ BEGIN CREATE ROLE kinds_text_search; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE SCHEMA s;
CREATE TEXT SEARCH PARSER s.words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH PARSER "With Headline" (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
    LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE s.simplest (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH TEMPLATE without_init (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY s.plain (TEMPLATE = s.simplest, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY "German One" (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH DICTIONARY none (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION s.mine (PARSER = s.words);
ALTER TEXT SEARCH CONFIGURATION s.mine ADD MAPPING FOR asciiword, word WITH s.plain, "German One", simple;
ALTER TEXT SEARCH CONFIGURATION s.mine ADD MAPPING FOR email WITH simple;
CREATE TEXT SEARCH CONFIGURATION copied (COPY = pg_catalog.english);
CREATE TEXT SEARCH CONFIGURATION "Empty" (PARSER = "With Headline");
COMMENT ON TEXT SEARCH PARSER s.words IS 'parser';
COMMENT ON TEXT SEARCH TEMPLATE s.simplest IS 'template';
COMMENT ON TEXT SEARCH DICTIONARY "German One" IS 'dictionary';
COMMENT ON TEXT SEARCH CONFIGURATION s.mine IS 'configuration';
ALTER TEXT SEARCH DICTIONARY "German One" OWNER TO kinds_text_search;
ALTER TEXT SEARCH CONFIGURATION s.mine OWNER TO kinds_text_search;
CREATE TABLE t (a text, v tsvector GENERATED ALWAYS AS (to_tsvector('s.mine', a)) STORED);
INSERT INTO t VALUES ('Häuser und more words');
CREATE INDEX ON t USING gin (v);
CREATE INDEX ON t USING gin (to_tsvector('copied'::regconfig, a));
