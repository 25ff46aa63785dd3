-- Views: options, check options, columns renamed, over one another against the order of names, recursive, with a
-- primary key they depend on, changed defaults.
SELECT current_setting('server_version_num')::int >= 150000 AS v15 \gset
CREATE TABLE t (id int PRIMARY KEY, name text, price numeric, at timestamptz);
INSERT INTO t VALUES (1, 'one', 1.5, '2024-01-01 00:00+00'), (2, 'two', NULL, NULL);
CREATE VIEW z_base AS SELECT id, name FROM t;
CREATE VIEW a_over AS SELECT * FROM z_base WHERE id > 0;
CREATE VIEW m_over (renamed, "Other Name") AS SELECT id, upper(name) FROM a_over;
COMMENT ON VIEW z_base IS 'at the bottom';
COMMENT ON COLUMN m_over."Other Name" IS 'renamed';
CREATE VIEW secured WITH (security_barrier = true) AS SELECT * FROM t WHERE id > 1;
CREATE VIEW checked AS SELECT * FROM t WHERE id > 1 WITH LOCAL CHECK OPTION;
CREATE VIEW checked_all AS SELECT * FROM checked WHERE id < 100 WITH CASCADED CHECK OPTION;
\if :v15
CREATE VIEW invoker WITH (security_invoker = true, security_barrier = false) AS SELECT * FROM t;
\endif
CREATE VIEW grouped AS SELECT t.*, count(*) AS n FROM t GROUP BY t.id;
CREATE VIEW over_grouped AS SELECT id, n FROM grouped;
CREATE RECURSIVE VIEW counting (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE VIEW literals AS SELECT 'it''s' AS a, E'back\\slash' AS b, '2024-01-01'::date AS c, NULL::text AS d, ARRAY[1, 2] AS e,
    1.5 AS f, true AS g, '{"a": 1}'::jsonb AS h;
CREATE VIEW windowed AS SELECT id, rank() OVER w, sum(price) FILTER (WHERE id > 1) OVER (PARTITION BY name ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    FROM t WINDOW w AS (ORDER BY price DESC NULLS LAST);
CREATE VIEW joined AS SELECT a.id, b.name, c.* FROM t a LEFT JOIN t b USING (id) CROSS JOIN LATERAL (SELECT a.price * 2 AS twice) c;
CREATE VIEW with_default AS SELECT id, name FROM t;
ALTER VIEW with_default ALTER name SET DEFAULT 'by the view';
CREATE VIEW no_columns AS SELECT;
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION pairs() RETURNS SETOF pair LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE VIEW over_function AS SELECT a, b FROM pairs();
CREATE FUNCTION of_view(z_base) RETURNS int LANGUAGE sql AS 'SELECT $1.id';
CREATE VIEW "Quoted View" AS SELECT id AS "Quoted Id", of_view(z_base) AS f FROM z_base;
