-- The database of an application that gives its users sandboxes to run things in: what a backup meets in real life.
-- For psql; `-v rows=N` sets the number of rows of the audit log (300,000), the other tables follow.
\set ON_ERROR_STOP on
\if :{?rows}
\else
\set rows 300000
\endif
SELECT setseed(0.42) \g /dev/null

CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION pgcrypto;
COMMENT ON EXTENSION citext IS 'e-mail addresses';

CREATE SCHEMA app;
CREATE SCHEMA audit;
CREATE SCHEMA reports;
COMMENT ON SCHEMA audit IS 'who did what; parted by month';
SET search_path = app, public;

CREATE TYPE plan AS ENUM ('free', 'team', 'enterprise');
CREATE TYPE sandbox_state AS ENUM ('creating', 'running', 'stopped', 'deleted');
ALTER TYPE sandbox_state ADD VALUE 'failed' BEFORE 'deleted';
CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9-]{1,60}$');
CREATE TYPE resources AS (cpus numeric(4, 1), memory_mb int, disk_gb int);

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Every change is seen; "updated" is ours, whatever the client says.
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;

CREATE TABLE organizations (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug slug NOT NULL UNIQUE,
    name text NOT NULL,
    plan plan NOT NULL DEFAULT 'free',
    owner_id bigint NOT NULL
);

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY (START 1000) PRIMARY KEY,
    public_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    email citext NOT NULL UNIQUE CHECK (email ~ '@'),
    name text NOT NULL,
    organization_id int REFERENCES organizations DEFERRABLE INITIALLY DEFERRED,
    password_hash text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{"theme": "system", "notifications": {"email": true}}',
    avatar bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || email::text)) STORED
);
COMMENT ON TABLE users IS 'People; "deleted" ones keep their row';
COMMENT ON COLUMN users.password_hash IS 'argon2id, never shown';
CREATE INDEX users_active ON users (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX users_name_trigrams ON users USING gin (name gin_trgm_ops);
CREATE INDEX users_search ON users USING gin (search);
CREATE INDEX users_settings ON users USING gin (settings jsonb_path_ops);
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();

-- An organization has an owner, an owner an organization: no order of tables satisfies both.
ALTER TABLE organizations ADD CONSTRAINT organizations_owner FOREIGN KEY (owner_id) REFERENCES users
    DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE sessions (
    token bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    address inet,
    agent text,
    valid tstzrange NOT NULL,
    data jsonb
);
CREATE INDEX sessions_user ON sessions (user_id) INCLUDE (valid);

CREATE TABLE sandboxes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id bigint NOT NULL REFERENCES users,
    parent_id uuid REFERENCES sandboxes,
    name slug NOT NULL,
    state sandbox_state NOT NULL DEFAULT 'creating',
    size resources NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    environment jsonb,
    price_per_hour numeric(10, 4) NOT NULL CHECK (price_per_hour >= 0),
    lifetime interval,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_id, name)
);
CREATE INDEX sandboxes_tags ON sandboxes USING gin (tags);
CREATE TRIGGER sandboxes_touch BEFORE UPDATE ON sandboxes FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch();

CREATE SEQUENCE invoice_number START 2024001;
CREATE TABLE invoices (
    number bigint PRIMARY KEY DEFAULT nextval('invoice_number'),
    organization_id int NOT NULL REFERENCES organizations,
    amount numeric(12, 2) NOT NULL,
    lines jsonb NOT NULL,
    paid bool NOT NULL DEFAULT false
);
ALTER SEQUENCE invoice_number OWNED BY invoices.number;

CREATE TABLE audit.log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    user_id bigint,
    action text NOT NULL,
    target uuid,
    details jsonb,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX log_user ON audit.log (user_id, at DESC);
CREATE INDEX log_target ON audit.log (target) WHERE target IS NOT NULL;
SELECT format('CREATE TABLE audit.log_%s PARTITION OF audit.log FOR VALUES FROM (%L) TO (%L)',
    to_char(month, 'YYYY_MM'), month, month + '1 month'::interval)
FROM generate_series('2024-01-01 00:00+00'::timestamptz, '2024-12-01 00:00+00', '1 month') month \gexec
CREATE TABLE audit.log_rest PARTITION OF audit.log DEFAULT;

ALTER TABLE sandboxes ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION current_user_id() RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.user_id', true), '')::bigint $$;
CREATE POLICY own ON sandboxes USING (owner_id = app.current_user_id());

BEGIN;
INSERT INTO users (email, name, password_hash, settings, avatar, created_at, deleted_at)
SELECT 'user' || i || '@example.org', initcap(substr(md5(i::text), 1, 6)) || ' O''Näme ' || i,
    '$argon2id$' || encode(sha256(i::text::bytea), 'base64'),
    jsonb_build_object('theme', (ARRAY['dark', 'light', 'system'])[1 + i % 3], 'editor', jsonb_build_object('tab', i % 8, 'font', E'Mono\t"x"'),
        'recent', (SELECT jsonb_agg(md5((i * n)::text)) FROM generate_series(1, i % 7) n)),
    CASE WHEN i % 50 = 0 THEN decode(repeat(md5(i::text), 100), 'hex') END,
    '2023-01-01 00:00+00'::timestamptz + i * '37 minutes'::interval,
    CASE WHEN i % 97 = 0 THEN '2024-06-01 00:00+00'::timestamptz END
FROM generate_series(1, :rows / 15) i;
INSERT INTO organizations (slug, name, plan, owner_id)
SELECT 'org-' || row_number() OVER (ORDER BY id), 'Organization of ' || name, (ARRAY['free', 'team', 'enterprise'])[1 + id % 3]::plan, id FROM users WHERE id % 20 = 0;
UPDATE users SET organization_id = 1 + id % (SELECT count(*) FROM organizations)::int WHERE id % 3 <> 0;
COMMIT;

INSERT INTO sessions
SELECT sha256((u.id || '/' || n)::bytea), u.id, ('10.' || u.id % 256 || '.' || n || '.7')::inet,
    CASE n WHEN 1 THEN 'Mozilla/5.0 (X11; Linux x86_64)' WHEN 2 THEN '' ELSE E'curl/8\\n' END,
    tstzrange(u.created_at, u.created_at + n * '1 day'::interval), CASE WHEN n = 2 THEN '{"csrf": "x"}'::jsonb END
FROM users u, generate_series(1, 3) n;

INSERT INTO sandboxes (id, owner_id, name, state, size, tags, environment, price_per_hour, lifetime)
SELECT md5('sandbox' || id)::uuid, id, 'sandbox-' || id, (enum_range(NULL::sandbox_state))[1 + id % 5],
    ROW(id % 16 + 0.5, 512 * (1 + id % 8), id % 100)::resources, ARRAY['region:' || id % 4, E'note "\\ \t'],
    jsonb_build_object('PATH', '/usr/bin', 'SECRET', md5(id::text)), (id % 1000) / 7.0, id * '13 minutes'::interval
FROM users WHERE id % 2 = 0;
UPDATE sandboxes SET parent_id = (SELECT id FROM sandboxes ORDER BY id LIMIT 1) WHERE owner_id % 10 = 0;

INSERT INTO invoices (organization_id, amount, lines, paid)
SELECT o.id, o.id * 3.17, jsonb_build_array(jsonb_build_object('what', 'sandboxes', 'hours', m)), m < 10
FROM organizations o, generate_series(1, 12) m;

INSERT INTO audit.log (at, user_id, action, target, details)
SELECT '2024-01-01 00:00+00'::timestamptz + (i * 110) * '1 second'::interval * (300000.0 / :rows), 1000 + i % (:rows / 15),
    (ARRAY['login', 'logout', 'sandbox.create', 'sandbox.stop', 'settings.change'])[1 + i % 5],
    CASE WHEN i % 5 IN (2, 3) THEN md5('sandbox' || 1000 + i % 500)::uuid END,
    CASE i % 4 WHEN 0 THEN jsonb_build_object('ip', '10.0.0.' || i % 256, 'ok', i % 3 = 0) WHEN 1 THEN '{"text": "tab\tnew\nline \\ ☃"}' END
FROM generate_series(1, :rows) i;

CREATE VIEW active_users AS SELECT id, public_id, email, name FROM users WHERE deleted_at IS NULL;
CREATE VIEW user_totals AS SELECT u.*, count(s.id) AS sandboxes FROM users u LEFT JOIN sandboxes s ON s.owner_id = u.id GROUP BY u.id;
CREATE MATERIALIZED VIEW reports.usage_by_month AS
    SELECT date_trunc('month', at AT TIME ZONE 'UTC') AS month, action, count(*) AS n FROM audit.log GROUP BY 1, 2;
CREATE UNIQUE INDEX usage_by_month_key ON reports.usage_by_month (month, action);
CREATE MATERIALIZED VIEW reports.busiest AS SELECT month, max(n) AS n FROM reports.usage_by_month GROUP BY month;
CREATE FUNCTION reports.invoice_total(organization int) RETURNS numeric LANGUAGE sql STABLE
    AS 'SELECT coalesce(sum(amount), 0) FROM app.invoices WHERE organization_id = organization';
CREATE PROCEDURE app.purge(before timestamptz) LANGUAGE plpgsql AS $body$
BEGIN
    DELETE FROM app.sessions WHERE upper(valid) < before;
    COMMIT;
END;
$body$;
ANALYZE;
