-- NOT NULL constraints of children under names of their own, where a parent hands one down.
-- min: 18
-- beyond: pg_dump forgets the quotes of such a name
CREATE TABLE t (a int CONSTRAINT must NOT NULL, b int NOT NULL NO INHERIT, "D d" int NOT NULL);
CREATE TABLE renamed_child (CONSTRAINT mine NOT NULL a, CONSTRAINT "My D" NOT NULL "D d", x int) INHERITS (t);
CREATE TABLE renamed_again (CONSTRAINT of_grandchild NOT NULL a) INHERITS (renamed_child);
CREATE TABLE two_parents (CONSTRAINT of_both NOT NULL a) INHERITS (t, renamed_child);
CREATE TABLE of_its_own (CONSTRAINT not_handed_down NOT NULL b) INHERITS (t);
COMMENT ON CONSTRAINT mine ON renamed_child IS 'the child''s own';
INSERT INTO two_parents VALUES (1, 2, 3, 4);
