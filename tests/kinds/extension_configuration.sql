-- Extensions with configuration tables: their rows are dumped, through filters, in the order of their foreign keys.
-- needs: pgstow_test
CREATE SCHEMA conf;
CREATE EXTENSION pgstow_test SCHEMA conf;
INSERT INTO conf.z_master VALUES (2, 'mine'), (3, 'mine too');
INSERT INTO conf.a_detail VALUES (11, 2, 'of mine'), (12, 3, E'tab\there');
INSERT INTO conf.filtered VALUES (1000, 'kept'), (5, 'below the filter: not kept');
SELECT nextval('conf.counter') FROM generate_series(1, 7);
GRANT SELECT ON conf.z_master TO PUBLIC;
DELETE FROM conf.filtered WHERE id = 5;
