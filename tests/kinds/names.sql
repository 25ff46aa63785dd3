-- Names with anything in them: quotes, spaces, newlines, backslashes, meta-commands, reserved words, 63 bytes.
CREATE SCHEMA "a.b";
CREATE SCHEMA "\! touch /tmp/pwned";
CREATE SCHEMA "ünïcödé schema 12345678901234567890123456789012345678901234";
CREATE TABLE "a.b"."c.d" ("e.f" int PRIMARY KEY, "\." text);
INSERT INTO "a.b"."c.d" VALUES (1, '\.'), (2, E'\\.\n');
CREATE SCHEMA U&"new\000Aline";
CREATE TABLE U&"new\000Aline".U&"tab\000Ale\000A; DROP TABLE x; --" (U&"col\000D\000Aumn" int, "\copy x" text DEFAULT E'\n\\! x\n');
INSERT INTO U&"new\000Aline".U&"tab\000Ale\000A; DROP TABLE x; --" DEFAULT VALUES;
COMMENT ON TABLE U&"new\000Aline".U&"tab\000Ale\000A; DROP TABLE x; --" IS E'\\! touch\n\\q\n-- ; '' $$';
CREATE INDEX U&"in\000Adex" ON U&"new\000Aline".U&"tab\000Ale\000A; DROP TABLE x; --" (U&"col\000D\000Aumn");
SET check_function_bodies = off;
CREATE FUNCTION "\! touch /tmp/pwned"."\g f()"("select" int, U&"ar\000Ag" text) RETURNS int LANGUAGE sql AS E'SELECT 1;\n\\! touch x\n';
CREATE VIEW "\! touch /tmp/pwned"."view ""v""" AS SELECT 1 AS "from", 2 AS "a""b", 3 AS U&"x\000Ay";
CREATE TYPE "\! touch /tmp/pwned"."enum" AS ENUM (E'a\nb', E'\\! x', '''');
CREATE SEQUENCE "\! touch /tmp/pwned"."$$";
CREATE TABLE "table" ("user" text, "order" int, "group" int, "all" int, "Größe" numeric, "1st" int, "with space" int, "%I" int, "'" int);
INSERT INTO "table" VALUES ('u', 1, 2, 3, 4, 5, 6, 7, 8);
CREATE TABLE abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_123456789 (
    id serial PRIMARY KEY,
    abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_987654321 int UNIQUE CHECK (abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_987654321 > 0)
);
-- Characters of the private use area, which stand for bytes that are not UTF-8 elsewhere.
CREATE TABLE U&"private \+10FFE4" (U&"\+10FF80\+10FFFF" text DEFAULT U&'\+10FFC3\+10FFA4');
INSERT INTO U&"private \+10FFE4" VALUES (U&'\+10FFE4'), (DEFAULT);
COMMENT ON TABLE U&"private \+10FFE4" IS U&'\+10FFE4 and \+10FF7F';
CREATE TABLE "UPPER" (LIKE "table");
CREATE TABLE _under (a int);
CREATE TABLE "dollar$" (a int);
CREATE TRIGGER "\! trigger" BEFORE UPDATE ON _under FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE POLICY "\! policy; --" ON _under USING (true);
