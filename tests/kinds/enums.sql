-- Enums: order that is not the order of creation, empty ones, quoted labels, in columns, arrays, defaults, keys.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'worried' AFTER 'sad';
ALTER TYPE mood ADD VALUE 'first' BEFORE 'sad';
COMMENT ON TYPE mood IS 'how one feels';
CREATE TYPE empty AS ENUM ();
CREATE TYPE "Odd Enum" AS ENUM ('it''s', 'back\slash', 'with space', '', 'naïve ☃');

CREATE TABLE people (
    name text PRIMARY KEY,
    now mood NOT NULL DEFAULT 'ok',
    before mood[] DEFAULT '{sad,happy}'::mood[],
    odd "Odd Enum"
);
INSERT INTO people VALUES
    ('a', 'first', '{}', 'it''s'),
    ('b', 'worried', '{happy,NULL,ok}', 'back\slash'),
    ('c', DEFAULT, DEFAULT, ''),
    ('d', 'sad', NULL, 'naïve ☃');
CREATE INDEX people_now ON people (now);
