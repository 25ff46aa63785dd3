-- Collations of the provider that is built in.
-- min: 17
CREATE COLLATION c (provider = builtin, locale = 'C');
CREATE COLLATION c_utf8 (provider = builtin, locale = 'C.UTF-8');
CREATE TABLE t (a text COLLATE c_utf8);
INSERT INTO t VALUES ('ä');
