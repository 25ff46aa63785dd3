-- Inheritance: local and inherited columns, overridden defaults, NOT NULL, checks with and without NO INHERIT,
-- several parents, late attachment.
CREATE TABLE base (id int NOT NULL, name text DEFAULT 'base', gone text DEFAULT 'x', made timestamptz,
    CONSTRAINT named CHECK (name <> ''), CONSTRAINT alone CHECK (id > 0) NO INHERIT);
CREATE TABLE child (extra int) INHERITS (base);
CREATE TABLE overrides (name text DEFAULT 'child', more int) INHERITS (base);
ALTER TABLE overrides ALTER made SET DEFAULT '2024-01-01 00:00:00+00';
ALTER TABLE overrides ALTER gone DROP DEFAULT;
CREATE TABLE second (id int, flag bool);
CREATE TABLE of_two (own int) INHERITS (base, second);
CREATE TABLE grandchild () INHERITS (child);
CREATE TABLE late (id int NOT NULL, name text, gone text, made timestamptz, CONSTRAINT named CHECK (name <> ''));
ALTER TABLE late INHERIT base;
CREATE TABLE own_check (CHECK (length(name) < 100)) INHERITS (base);
ALTER TABLE child DROP COLUMN extra;
CREATE TABLE generated_base (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE generated_child () INHERITS (generated_base);
CREATE SCHEMA other;
CREATE TABLE other.far () INHERITS (public.base);
INSERT INTO base VALUES (1);
INSERT INTO child VALUES (2);
INSERT INTO overrides (id, made) VALUES (3, '2024-05-05 00:00:00+00');
INSERT INTO of_two (id, own) VALUES (4, 4);
INSERT INTO grandchild VALUES (5, 'g');
INSERT INTO late VALUES (6, 'l');
INSERT INTO other.far VALUES (7);
INSERT INTO generated_child (a) VALUES (8);
CREATE INDEX base_name ON base (name);
CREATE INDEX child_name ON child (name);
