-- Partitions by the hash of an enum: its values hash differently in every database, so rows go through the root.
-- moves: by_enum
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE TABLE by_enum (c colour, n int) PARTITION BY HASH (c);
CREATE TABLE by_enum_0 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE by_enum_1 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE by_enum_2 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO by_enum VALUES ('red', 1), ('green', 2), ('blue', 3), ('red', 4);
