-- Foreign-data wrappers, servers, user mappings, foreign tables: options, privileges, columns' options.
DO $$ BEGIN CREATE ROLE kinds_foreign_data; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE "Kinds Foreign User"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
CREATE FOREIGN DATA WRAPPER bare;
CREATE FOREIGN DATA WRAPPER "Full One" VALIDATOR postgresql_fdw_validator;
CREATE FOREIGN DATA WRAPPER with_options OPTIONS (debug 'true', "Odd Option" 'it''s \ odd');
CREATE SERVER plain FOREIGN DATA WRAPPER bare;
CREATE SERVER "Full Server" TYPE 'it''s' VERSION '1.0' FOREIGN DATA WRAPPER "Full One" OPTIONS (host 'far', dbname 'd');
CREATE USER MAPPING FOR kinds_foreign_data SERVER "Full Server" OPTIONS (user 'u', password 's''ecret');
CREATE USER MAPPING FOR PUBLIC SERVER "Full Server";
CREATE USER MAPPING FOR "Kinds Foreign User" SERVER plain OPTIONS (any 'thing');
CREATE FOREIGN TABLE ft (
    id int OPTIONS (column_name 'ID', "Other" 'x') NOT NULL,
    note text COLLATE "C" DEFAULT 'n' CHECK (note <> ''),
    other numeric(8,2)
) SERVER plain OPTIONS (table_name 'it''s', "Odd" 'o');
CREATE FOREIGN TABLE no_options () SERVER "Full Server";
ALTER FOREIGN TABLE ft ALTER COLUMN other SET STATISTICS 10;
CREATE TABLE parent (id int, v text) PARTITION BY LIST (id);
CREATE FOREIGN TABLE part PARTITION OF parent FOR VALUES IN (1) SERVER plain OPTIONS (a 'b');
CREATE TABLE old_parent (id int);
CREATE FOREIGN TABLE child (extra text) INHERITS (old_parent) SERVER plain;
COMMENT ON FOREIGN DATA WRAPPER bare IS 'wrapper';
COMMENT ON SERVER plain IS 'server';
COMMENT ON FOREIGN TABLE ft IS 'foreign table';
COMMENT ON COLUMN ft.id IS 'foreign column';
ALTER SERVER plain OWNER TO kinds_foreign_data;
ALTER FOREIGN TABLE ft OWNER TO kinds_foreign_data;
GRANT USAGE ON FOREIGN DATA WRAPPER bare TO kinds_foreign_data WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER plain TO PUBLIC;
GRANT SELECT ON ft TO "Kinds Foreign User";
GRANT SELECT (id) ON ft TO PUBLIC;
CREATE VIEW over AS SELECT id FROM ft;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER touch BEFORE INSERT ON ft FOR EACH ROW EXECUTE FUNCTION touch();
ALTER FOREIGN TABLE ft DISABLE TRIGGER touch;
