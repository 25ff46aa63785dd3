-- Exclusion constraints of partitioned tables, over several levels, with partitions' names and tables of their own.
-- min: 17
-- beyond: pg_dump attaches the partitions' indexes, which the server refuses
-- beyond-clean: the same
CREATE EXTENSION btree_gist;
CREATE TABLE bookings (room int NOT NULL, during tsrange, who text,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WITH (fillfactor = 80)) PARTITION BY LIST (room);
CREATE TABLE bookings_1 PARTITION OF bookings FOR VALUES IN (1);
CREATE TABLE bookings_more PARTITION OF bookings FOR VALUES IN (2, 3) PARTITION BY LIST (room);
CREATE TABLE bookings_2 PARTITION OF bookings_more FOR VALUES IN (2);
CREATE TABLE "Bookings Three" PARTITION OF bookings_more FOR VALUES IN (3);
ALTER TABLE bookings_1 RENAME CONSTRAINT bookings_1_room_during_excl TO "it's the first's";
ALTER TABLE bookings_more RENAME CONSTRAINT bookings_more_room_during_excl TO between_them;
ALTER INDEX "it's the first's" SET (fillfactor = 70, buffering = off);
ALTER INDEX bookings_2_room_during_excl RESET (fillfactor);
ALTER TABLE bookings_2 CLUSTER ON bookings_2_room_during_excl;
COMMENT ON INDEX "it's the first's" IS 'an index of a constraint';
COMMENT ON CONSTRAINT no_overlap ON bookings IS 'one at a time';
COMMENT ON CONSTRAINT "it's the first's" ON bookings_1 IS 'of a partition';
ALTER TABLE bookings_2 ADD CONSTRAINT own EXCLUDE USING gist (during WITH &&);
INSERT INTO bookings VALUES (1, '[2024-01-01,2024-01-02)', 'a'), (1, '[2024-01-02,2024-01-03)', 'b'), (2, 'empty', NULL),
    (3, '[2024-01-01,2024-01-02)', 'c');
