-- Temporal keys: WITHOUT OVERLAPS, and foreign keys of a PERIOD.
-- min: 18
-- needs: btree_gist
CREATE EXTENSION btree_gist;
CREATE TABLE rooms (id int, during tstzrange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE bookings (id int, room int, during tstzrange,
    CONSTRAINT one_at_a_time UNIQUE (room, during WITHOUT OVERLAPS),
    CONSTRAINT in_a_room FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during));
CREATE TABLE many (id int, during datemultirange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO rooms VALUES (1, '[2024-01-01,2025-01-01)'), (1, '[2025-01-01,2026-01-01)');
INSERT INTO bookings VALUES (1, 1, '[2024-06-01,2025-06-01)');
COMMENT ON CONSTRAINT one_at_a_time ON bookings IS 'one';
