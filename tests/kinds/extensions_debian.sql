-- Extensions that packages bring: postgis and pg_partman, and tables that live by them.
-- optional: only Debian's PostgreSQL has them, which a machine need not have
-- needs: postgis pg_partman
CREATE EXTENSION postgis;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE TABLE places (id int PRIMARY KEY, at geometry(Point, 4326), area geography);
INSERT INTO places VALUES (1, ST_SetSRID(ST_MakePoint(1.5, 2.5), 4326), 'POLYGON((0 0,0 1,1 1,0 0))');
CREATE INDEX ON places USING gist (at);
CREATE VIEW far AS SELECT id FROM places WHERE ST_Distance(at, ST_SetSRID(ST_MakePoint(0, 0), 4326)) > 1;
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text) VALUES (990001, 'mine', 1, 'x', 'y');
CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
INSERT INTO partman.part_config (parent_table, control, partition_interval, partition_type) VALUES ('public.events', 'at', '1 day', 'native');
