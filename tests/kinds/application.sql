-- The sample application of the demo, with fewer rows.
-- beyond-clean: pg_dump drops the key of a partition by itself, which the server refuses
\set rows 3000
\i examples/application.sql
