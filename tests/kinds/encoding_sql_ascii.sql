-- A database without an encoding: bytes come back as they are, in rows, comments and names.
-- database: ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0
SET client_encoding = 'SQL_ASCII';
CREATE TABLE t (a text);
INSERT INTO t VALUES (convert_from('\xe4f6fc', 'SQL_ASCII')), (convert_from('\xff80', 'SQL_ASCII')), ('plain');
CREATE TABLE u (a text);
INSERT INTO u VALUES ('ä');
COMMENT ON TABLE u IS 'übrig';
