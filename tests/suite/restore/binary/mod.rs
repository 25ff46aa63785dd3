//! Rows sent in binary form in place of their text: what the server makes of them must be the same, to the bit.

mod swap;
mod values;

/// Each type with its hardest values, and a query for many more.
const VALUES: &[(&str, &str, &str)] = &[
    ("bool", "true, false", "random() < 0.5"),
    (
        "int2",
        "-32768, -1, 0, 9, 32767",
        "(random() * 65535 - 32768)::int2",
    ),
    (
        "int4",
        "-2147483648, 0, 10, 2147483647",
        "(random() * 4294967295 - 2147483648)::int4",
    ),
    (
        "int8",
        "-9223372036854775808, 0, 99999999, 100000000, 12345678901234567, 9223372036854775807",
        "(random() * 9223372036854775807 * (1 - 2 * (i % 2)))::numeric::int8 >> (i % 63)",
    ),
    (
        "float4",
        "'NaN', 'Infinity', '-Infinity', '-0', '0', '1e-45', '1.17549435e-38', '3.4028235e38', '0.1', '16777216', \
         '16777217', '1e10', '1e15', '0.0001', '0.00001', '123456.7'",
        "(random() - 0.5)::float4 * (10::float8 ^ (i % 70 - 35))::float4",
    ),
    (
        "float8",
        "'NaN', 'Infinity', '-Infinity', '-0', '0', '5e-324', '2.2250738585072014e-308', '1.7976931348623157e308', \
         '0.1', '0.3', '9007199254740993', '1e15', '1e16', '1e22', '1e23', '0.0001', '0.00001', '123456789.125'",
        "(random() - 0.5) * 10::float8 ^ (i % 600 - 300)",
    ),
    (
        "numeric",
        "'NaN', 0, 0.0, 0.000000, 1.50, -1.50, 1000, 10000, 100000000, 0.0001, 0.00001, -0.1234567890123456789, \
         12345678901234567890.1, 9999999999999999.9999999999999999, 1e131071, -1e131071, 1e-16383, \
         ('1' || repeat('0', 131071) || '.' || repeat('0', 16382) || '1')::numeric, repeat('9', 131072)::numeric, \
         10000000000000000.00000000000000001",
        "((random() - 0.5) * 10::float8 ^ (i % 40 - 20))::numeric * 10::numeric ^ (i % 61 - 30)",
    ),
    (
        "text",
        r"'', '\N', '\.', '\', E'\b\f\n\r\t\v\\', E'\x01\x02\x1b\x1f\x7f', 'größe 😀', ' a ', E'\\n', 'N', 't',
          repeat(E'\\', 5000), repeat('x', 300000)",
        "(SELECT string_agg(chr(CASE n % 7 WHEN 0 THEN 1 + n % 127 WHEN 1 THEN 92 ELSE 1 + (i * 31 + n * n) % 2000 END), '') \
          FROM generate_series(1, i % 40) n)",
    ),
    (
        "varchar(12)",
        r"'', 'a', E'a\\\t ', '123456789012'",
        "left(md5(random()::text), i % 13)",
    ),
    (
        "char(12)",
        "'', 'a', 'größe', '123456789012'",
        "left(md5(random()::text), i % 13)",
    ),
    (
        "json",
        r#"'1', ' { "a" :  [1, null] } ', '"\u00e4\n\\"', E'{\n\t"a": 1}', 'null'"#,
        "json_build_object('i', i, 'x', random(), 'y', md5(random()::text))",
    ),
    (
        "jsonb",
        r#"'1', ' { "a" :  [1, null] } ', '"\u00e4\n\\"', '{}', 'null', '1e100'"#,
        "jsonb_build_object('i', i, 'x', random(), 'y', md5(random()::text))",
    ),
    (
        "bytea",
        r"'', '\x00', '\x5c', '\x0a0d09', decode((SELECT string_agg(lpad(to_hex(b), 2, '0'), '') FROM generate_series(0, 255) b), 'hex')",
        "decode(repeat(md5(random()::text), i % 20), 'hex')",
    ),
    (
        "uuid",
        "'00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        "md5(random()::text)::uuid",
    ),
    (
        "date",
        "'0001-01-01', '0004-02-29', '0999-12-31', '1582-10-10', '1900-02-28', '1999-12-31', '2000-02-29', '2000-03-01', \
         '9999-12-31', '10000-01-01', '5874897-12-31', 'infinity', '-infinity'",
        "'0001-01-01'::date + (random() * 2145700000)::int",
    ),
    (
        "timestamp",
        "'0001-01-01 00:00:00', '1999-12-31 23:59:59.999999', '2000-01-01', '2000-01-01 00:00:00.000001', \
         '2024-02-29 12:34:56.7', '9999-12-31 23:59:59.999', '10000-01-01', '294276-12-31 23:59:59.999999', 'infinity', \
         '-infinity'",
        "'0001-01-01'::timestamp + random() * interval '290000 years'",
    ),
    (
        "timestamptz",
        "'0001-01-01 00:00:00+00', '1999-12-31 23:59:59.999999+00', '2000-01-01 00:00:00+00', \
         '1890-01-01 00:00:00.000001+00', '2024-02-29 12:34:56.7+02', '9999-12-31 23:59:59.999+00', \
         '294276-12-31 23:59:59.999999+00', 'infinity', '-infinity'",
        "'0001-01-01 00:00:00+00'::timestamptz + random() * interval '290000 years'",
    ),
];

/// What only 14 and later know.
const SINCE_14: (&str, &str) = ("numeric", "'Infinity', '-Infinity'");

/// A table `name` with a column of the type, and many rows of which some are null.
fn table(name: &str, (kind, hard, many): (&str, &str, &str), rows: u32) -> String {
    format!(
        "CREATE TABLE {name} (v {kind}, note text);
         INSERT INTO {name} (v) SELECT v::{kind} FROM unnest(ARRAY[{hard}]::{array}[]) v;
         INSERT INTO {name} VALUES (NULL, 'null');
         SELECT setseed(0.25);
         INSERT INTO {name} SELECT ({many})::{kind}, CASE WHEN i % 3 > 0 THEN repeat('row ', 60) || i END FROM generate_series(1, {rows}) i;",
        array = kind.split('(').next().unwrap(),
    )
}
