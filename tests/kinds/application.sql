-- The sample application of the demo, with fewer rows.
\set rows 3000
\i examples/application.sql
