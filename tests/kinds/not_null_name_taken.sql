-- NOT NULL constraints whose default name another table has taken, and which is made first.
-- min: 18
-- beyond: pg_dump leaves the default name out, and gets another one back
CREATE TABLE z_original (at int NOT NULL);
CREATE TABLE a_copy (LIKE z_original);
