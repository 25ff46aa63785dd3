-- Values: every type's extremes and all the characters that COPY must escape come back exactly.
CREATE TABLE numbers (s smallint, i int, b bigint, n numeric, r real, d double precision, m money, o oid);
INSERT INTO numbers VALUES
    (-32768, -2147483648, -9223372036854775808, -1e-30, '-Infinity', '-Infinity', '-92233720368547758.08', 0),
    (32767, 2147483647, 9223372036854775807, 1e30, 'Infinity', 'NaN', '92233720368547758.07', 4294967295),
    (0, 0, 0, 'NaN', 1.1, 0.1, 0, 1),
    (1, 1, 1, 0.000000000000000000000000000000000000001, 3.4028235e38, 1.7976931348623157e308, 1, 1),
    (1, 1, 1, 123456789012345678901234567890.123456789, 1e-45, 5e-324, 1, 1),
    (1, 1, 1, 1.50, 0.30000001, 0.1::float8 + 0.2::float8, 1.5, 1),
    (NULL, NULL, NULL, NULL, '-0', '-0', NULL, NULL);

CREATE TABLE texts (id int, t text, c "char", n name, x char(5));
INSERT INTO texts VALUES
    (1, '', '', '', ''), (2, '\N', 'a', '\N', '\N'), (3, E'\\N\n\\.\n', '\', 'x', 'x'),
    (4, E'\b\f\n\r\t\v\x01\x7f', 'b', 'é', 'é'), (5, E'line\r\nline\rline', 'c', '"', ' x'),
    (6, '\.', NULL, NULL, NULL), (7, NULL, NULL, NULL, 'abcde'), (8, '☃ 𝄞 á ‮', 'd', 'x', ''''),
    (9, E'\\', 'e', '\', '\'), (10, E'COPY t FROM stdin;\n\\.\nDROP TABLE texts;', 'f', ';', '--'),
    (11, repeat(E'long \\ \t', 20000), 'g', 'x', 'x'), (12, '$$ $_$ $1', 'h', '$$', '$$');

CREATE TABLE times (id int, d date, t time, tz timetz, ts timestamp, tsz timestamptz, i interval);
INSERT INTO times VALUES
    (1, '4713-01-01 BC', '00:00', '00:00+14', '4713-01-01 00:00 BC', '4713-01-02 00:00+00 BC', '-178000000 years'),
    (2, '5874897-12-31', '24:00', '23:59:59.999999-14', '294276-12-31 23:59:59.999999', '294276-12-30 23:59+00', '178000000 years'),
    (3, 'infinity', '12:34:56.000001', '12:00+05:45', '-infinity', 'infinity', '1 mon -1 day +00:00:00.000001'),
    (4, '2024-02-29', '01:02:03', '01:02:03+00', '2024-03-31 02:30', '2024-03-31 02:30+02', '-1 year 2 mons -3 days 04:05:06.7'),
    (5, '0001-01-01', NULL, NULL, '1900-01-01', '1883-11-18 12:03:58+00', '00:00');

CREATE TABLE others (
    id int, b bytea, u uuid, j json, jb jsonb, x xml, bt bit varying, ip inet, net cidr, mac macaddr, mac8 macaddr8,
    p point, l lseg, bx box, pt path, pg polygon, ci circle, ln line, ts tsvector, tq tsquery, r int4range, nr numrange,
    tr tstzrange, dr daterange, lsn pg_lsn, bo bool, ia int[], ta text[], ja jsonb[], ba bytea[], ua uuid[]
);
INSERT INTO others VALUES
    (1, '\x00010203fffe5c', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{ "a" :  1, "a": 2 }', '{"b": 1, "a": "\n\\"}',
     '<a b="c">&amp;</a>', B'10101', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
     '(1,2)', '((1,2),(3,4))', '((1,2),(3,4))', '[(1,2),(3,4)]', '((1,2),(3,4),(5,6))', '<(1,2),3>', '{1,2,3}',
     'a:1A b:2,3B', 'a & (b:* | !c:A)', '[1,10)', '(0.1,]', '[2024-01-01 00:00+00,infinity)', '[,2024-01-01)', '16/B374D848', true,
     '[2:4]={1,2,3}', '{"",NULL,"NULL","a,b","{}","\"\\"}', ARRAY['{"a": "b,c"}'::jsonb, 'null'], ARRAY['\x00'::bytea, '\x5c5c'],
     ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, NULL]),
    (2, '', NULL, 'null', 'null', '', B'', '0.0.0.0/0', '::/0', NULL, NULL, '(1e300,-0)', NULL, NULL, '((1,2))', NULL, NULL, NULL,
     '', '', 'empty', '(,)', 'empty', NULL, '0/0', false, '{}', '{}', '{{null,"{}"}}', '{}', '{{NULL,NULL}}'),
    (3, decode(repeat('0d0a5c09', 5000), 'hex'), NULL, '"\u0000"', '"ü"', 'text only', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{{1,2},{3,NULL}}', NULL, NULL, NULL, NULL);
