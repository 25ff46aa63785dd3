-- Constraints that are not enforced, or not validated: checks and foreign keys.
-- min: 18
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (
    id int PRIMARY KEY,
    a int CONSTRAINT positive CHECK (a > 0) NOT ENFORCED,
    b int CONSTRAINT to_parent REFERENCES parent NOT ENFORCED,
    c int REFERENCES parent DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE child ADD CONSTRAINT later CHECK (id < 10) NOT VALID;
INSERT INTO child VALUES (1, -1, 99, NULL);
COMMENT ON CONSTRAINT positive ON child IS 'a hint to the planner';
CREATE TABLE parted (id int, b int CONSTRAINT of_parted REFERENCES parent NOT ENFORCED) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (1, 77);
