-- Domains: constraints with and without names, defaults, collations, domains over domains, arrays, NOT VALID.
CREATE DOMAIN plain AS int;
CREATE DOMAIN positive AS int NOT NULL DEFAULT 1 CHECK (VALUE > 0);
CREATE DOMAIN email AS text COLLATE "C"
    CONSTRAINT has_at CHECK (VALUE ~ '@')
    CONSTRAINT "short Enough" CHECK (length(VALUE) < 255);
COMMENT ON DOMAIN email IS 'roughly';
COMMENT ON CONSTRAINT has_at ON DOMAIN email IS 'the least one can ask';
CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100);
CREATE DOMAIN price AS numeric(12, 2) DEFAULT 0.00;
CREATE DOMAIN tags AS text[] CHECK (array_length(VALUE, 1) < 10);
CREATE DOMAIN later AS int;

CREATE FUNCTION is_even(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
CREATE DOMAIN even AS int CHECK (is_even(VALUE));

CREATE TABLE t (a plain, b positive, c email, d small_positive, e price, f tags, g even, h later, i positive[]);
INSERT INTO t VALUES (NULL, 1, 'a@b', 99, 1.5, '{x,y}', 2, -5, '{1,2}'), (1, 2, NULL, 1, NULL, NULL, NULL, 7, NULL);
-- Not checked against the row that is there.
ALTER DOMAIN later ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
