-- What the command lines of pg_dump.rs are tried on: something of each sort that an option picks or leaves out.
CREATE SCHEMA sales;
CREATE SCHEMA "Odd.Name";
CREATE EXTENSION hstore WITH SCHEMA public;
COMMENT ON SCHEMA sales IS 'what is sold für Geld';
CREATE TYPE sales.state AS ENUM ('new', 'paid');
CREATE DOMAIN sales.amount AS numeric(8, 2) CHECK (VALUE >= 0);
CREATE TABLE sales.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, tags public.hstore);
CREATE TABLE sales.orders (
    id serial PRIMARY KEY, customer int REFERENCES sales.customers, state sales.state DEFAULT 'new', price sales.amount,
    weight float8, twice numeric GENERATED ALWAYS AS (price * 2) STORED, flags bit(3), open bool, note text, photo bytea);
INSERT INTO sales.customers (name, tags) VALUES ('it''s', 'a=>1'), (E'tab\tline\nend\\', NULL), ('', ''), ('größe ÿ', 'ä=>ö');
INSERT INTO sales.orders (customer, state, price, weight, flags, open, note, photo) VALUES
    (1, 'new', 1.5, 0.1, B'101', true, E'it''s\na \\ backslash', '\x00ff'), (1, 'paid', 2, 'NaN', B'000', false, NULL, ''),
    (2, 'new', NULL, '-Infinity', NULL, NULL, '', NULL), (3, 'paid', 12345.67, -1e-300, B'111', true, '\N', NULL);
CREATE INDEX orders_by_state ON sales.orders (state);
CREATE STATISTICS sales.dependent ON customer, state FROM sales.orders;
COMMENT ON COLUMN sales.orders.note IS 'free text';
CREATE TABLE sales."größe" ("maß" text DEFAULT 'ä' CHECK ("maß" <> 'ß'), id int);
INSERT INTO sales."größe" VALUES ('ö', 1), (DEFAULT, 2);
COMMENT ON COLUMN sales."größe"."maß" IS 'übrig';
CREATE TABLE sales.log_1 (line text);
CREATE TABLE sales.log_2 (line text);
INSERT INTO sales.log_1 VALUES ('one');
INSERT INTO sales.log_2 VALUES ('two');
CREATE VIEW sales.open_orders AS SELECT id, note FROM sales.orders WHERE open;
CREATE MATERIALIZED VIEW sales.totals AS SELECT customer, sum(price) AS total FROM sales.orders GROUP BY customer;
CREATE FUNCTION sales.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE INSERT ON sales.orders FOR EACH ROW EXECUTE FUNCTION sales.stamp();
CREATE RULE nothing AS ON DELETE TO sales.log_1 DO INSTEAD NOTHING;
ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON sales.orders USING (true);
GRANT SELECT ON sales.orders TO PUBLIC;
GRANT USAGE ON SCHEMA sales TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO pg_monitor;
REVOKE EXECUTE ON FUNCTION public.hstore_hash(public.hstore) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_stat_reset() FROM PUBLIC;

CREATE TABLE public.events (at date NOT NULL, kind text, id bigint) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE "Odd.Name"."Events 2026" PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE public.events ADD PRIMARY KEY (at, id);
CREATE INDEX ON public.events (kind);
INSERT INTO public.events VALUES ('2025-03-01', 'a', 1), ('2025-04-01', 'b', 2), ('2026-05-01', 'c', 3);
CREATE TABLE public.animals (name text);
CREATE TABLE public.dogs (breed text) INHERITS (public.animals);
INSERT INTO public.animals VALUES ('cat');
INSERT INTO public.dogs VALUES ('rex', 'mixed');
CREATE UNLOGGED TABLE public.cache (key text PRIMARY KEY, value jsonb);
INSERT INTO public.cache VALUES ('k', '{"a": 1}');
CREATE TABLE "Odd.Name"."Mixed Case" ("Id" int PRIMARY KEY, "user" text);
INSERT INTO "Odd.Name"."Mixed Case" VALUES (1, 'one');
CREATE TABLE public.nothing ();
INSERT INTO public.nothing DEFAULT VALUES;
CREATE SEQUENCE public.numbers START 7;
SELECT nextval('public.numbers');
CREATE TABLE public.squeezed (long text COMPRESSION pglz);
CREATE PUBLICATION changes FOR TABLE sales.orders, public.animals;
CREATE FUNCTION public.as_text(sales.state) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'state'::text $$;
CREATE CAST (sales.state AS text) WITH FUNCTION public.as_text(sales.state);
CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.on_ddl();
SELECT lo_create(4711);
SELECT lo_put(4711, 0, '\xdeadbeef');
COMMENT ON LARGE OBJECT 4711 IS 'large';
GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;
