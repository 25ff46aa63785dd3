-- Access methods for tables and for indexes; tables made with one, an operator class for the other.
CREATE ACCESS METHOD kinds_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD "Kinds Tree" TYPE INDEX HANDLER bthandler;
COMMENT ON ACCESS METHOD kinds_heap IS 'a heap by another name';
CREATE OPERATOR CLASS int_ops DEFAULT FOR TYPE int USING "Kinds Tree" AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE TABLE t (a int) USING kinds_heap;
CREATE TABLE plain (a int);
CREATE MATERIALIZED VIEW m USING kinds_heap AS SELECT a FROM t;
INSERT INTO t VALUES (1);
INSERT INTO plain VALUES (2);
