-- The data set of the end-to-end benchmark: about 1.2 GB of SQL text at scale 1, in the proportions of an ordinary
-- application. Deterministic: the same scale gives the same rows.
--
--   psql -v scale=1 -f benches/dataset/dataset.sql
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';

CREATE FUNCTION pg_temp.pick(n bigint, salt int) RETURNS int LANGUAGE sql IMMUTABLE
AS $$ SELECT hashint8(n * 2654435761 + salt) & 2147483647 $$;

CREATE TEMP TABLE words AS
    SELECT i, (ARRAY['the','of','request','user','session','sandbox','created','failed','because','timeout','after','service',
                     'order','update','with','status','pending','region','customer','invoice','deploy','build','message',
                     'index','report','daily','internal','error','connection','database'])[1 + i % 30]
              || CASE WHEN i % 3 = 0 THEN substr(md5(i::text), 1, 1 + i % 5) ELSE '' END AS word
    FROM generate_series(0, 999) i;
CREATE FUNCTION pg_temp.words() RETURNS text[] LANGUAGE sql STABLE AS $$ SELECT array_agg(word ORDER BY i) FROM words $$;

CREATE TABLE users (
    id bigint PRIMARY KEY, email text NOT NULL UNIQUE, name text, password_hash text, settings jsonb,
    created_at timestamptz NOT NULL, active boolean NOT NULL);
INSERT INTO users
    SELECT i, 'user' || i || '@' || (ARRAY['example.org','mail.example.com','corp.example.net'])[1 + i % 3],
           initcap(w[1 + i % 1000]) || ' ' || initcap(w[1 + i * 7 % 1000]),
           '$2b$12$' || encode(sha256(i::text::bytea), 'base64'),
           jsonb_build_object('theme', (ARRAY['dark','light'])[1 + i % 2], 'locale', (ARRAY['en','de','fr'])[1 + i % 3],
                              'notifications', i % 5 > 0),
           '2021-01-01'::timestamptz + i * interval '7 minutes', i % 17 > 0
    FROM generate_series(1, (50000 * :scale)::bigint) i, pg_temp.words() w;

CREATE TABLE events (
    id bigint PRIMARY KEY, user_id bigint NOT NULL, kind text NOT NULL, at timestamptz NOT NULL, payload jsonb NOT NULL,
    message text);
INSERT INTO events
    SELECT i, 1 + pg_temp.pick(i, 1) % (50000 * :scale)::bigint,
           (ARRAY['login','logout','create','update','delete','deploy'])[1 + pg_temp.pick(i, 2) % 6],
           '2023-01-01'::timestamptz + i * interval '17.3 seconds',
           jsonb_build_object('ip', '10.' || pg_temp.pick(i, 3) % 256 || '.' || pg_temp.pick(i, 4) % 256 || '.7',
               'agent', (ARRAY['Mozilla/5.0 (X11; Linux x86_64)','curl/8.5.0','okhttp/4.12.0'])[1 + pg_temp.pick(i, 5) % 3],
               'duration_ms', pg_temp.pick(i, 6) % 100000, 'ok', pg_temp.pick(i, 7) % 20 > 0,
               'request', substr(md5(i::text), 1, 16),
               'tags', jsonb_build_array(w[1 + pg_temp.pick(i, 8) % 1000], w[1 + pg_temp.pick(i, 9) % 1000])),
           CASE WHEN i % 4 > 0 THEN array_to_string(ARRAY(
               SELECT w[1 + pg_temp.pick(i, 20 + k) % 1000] FROM generate_series(1, 8 + (i % 13)::int) k), ' ') END
    FROM generate_series(1, (1750000 * :scale)::bigint) i, pg_temp.words() w;

CREATE TABLE links (a bigint NOT NULL, b int NOT NULL, c smallint NOT NULL, flag boolean NOT NULL);
INSERT INTO links
    SELECT i, pg_temp.pick(i, 11) % 1000000, pg_temp.pick(i, 12) % 1000, i % 3 = 0
    FROM generate_series(1, (4000000 * :scale)::bigint) i;

CREATE TABLE measurements (
    id int NOT NULL, at timestamp NOT NULL, price numeric(14,4), quantity numeric, ratio double precision, lat real, lon real);
INSERT INTO measurements
    SELECT i, '2024-01-01'::timestamp + i * interval '11 seconds', (pg_temp.pick(i, 13) % 100000000) / 10000.0,
           pg_temp.pick(i, 14) % 1000, pg_temp.pick(i, 15) / 2147483647.0::float8,
           pg_temp.pick(i, 16) % 180000 / 1000.0 - 90, pg_temp.pick(i, 17) % 360000 / 1000.0 - 180
    FROM generate_series(1, (1700000 * :scale)::bigint) i;

CREATE TABLE files (id int PRIMARY KEY, name text NOT NULL, content bytea);
INSERT INTO files
    SELECT i, 'file-' || i || '.bin', (
        SELECT string_agg(sha512((i * 1000 + k)::text::bytea), '' ORDER BY k) FROM generate_series(1, 640) k)
    FROM generate_series(1, (2500 * :scale)::int) i;

DO $$
BEGIN
    FOR n IN 1..200 LOOP
        EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, name text DEFAULT %L, at timestamptz)', n, 'x');
        EXECUTE format('INSERT INTO small_%s SELECT i, md5(i::text), ''2024-01-01''::timestamptz + i * interval ''1 day''
                        FROM generate_series(1, %s) i', n, n * 3);
    END LOOP;
END $$;

CREATE INDEX ON events (user_id, at);
CREATE INDEX ON links (b);
ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users;
VACUUM ANALYZE;
