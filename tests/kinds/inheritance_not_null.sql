-- Inheritance: NOT NULL that a child adds to an inherited column.
-- beyond: pg_dump 18 writes it as a table constraint, which servers before 18 do not know
CREATE TABLE base (id int NOT NULL, name text, made date);
CREATE TABLE child (extra int) INHERITS (base);
ALTER TABLE child ALTER name SET NOT NULL;
CREATE TABLE typed_child () INHERITS (child);
ALTER TABLE typed_child ALTER made SET NOT NULL, ALTER made SET DEFAULT '2024-01-01';
INSERT INTO base VALUES (1);
INSERT INTO child VALUES (2, 'b', NULL, 3);
INSERT INTO typed_child VALUES (3, 'c');
