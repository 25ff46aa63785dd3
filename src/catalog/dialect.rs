//! What servers below 18 must hear instead of the queries in `schema-sql/`: the only place with version numbers.
//!
//! The queries are written for the newest server. A row here says: in this file, on servers below this version, this
//! text stands instead of that one, and why. DDL code never asks the version, because the rows that the queries give
//! are always complete.

/// One difference.
struct Difference {
    /// Stem of the file in `schema-sql/`.
    file: &'static str,
    /// Applies to servers whose major version is below this one.
    below: u32,
    /// The text as the newest server takes it; occurs exactly once in the file.
    newest: &'static str,
    /// What stands there instead.
    older: &'static str,
}

/// A catalog that servers below a major version do not have: the query gives no rows there.
struct Absent {
    file: &'static str,
    below: u32,
}

const ABSENT: &[Absent] = &[
    // Publications of whole schemas came with 15.
    Absent {
        file: "publication_schema",
        below: 15,
    },
];

const DIFFERENCES: &[Difference] = &[
    // All-frozen pages are counted since 18.
    Difference {
        file: "planner_statistics",
        below: 18,
        newest: "c.relallfrozen::text",
        older: "'0'",
    },
    // The view has the statistics of ranges since 17.
    Difference {
        file: "planner_statistics",
        below: 17,
        newest: ",\n        (16, 'range_length_histogram', s.range_length_histogram::text, ''),\n        \
                 (17, 'range_empty_frac', s.range_empty_frac::text, '::real'),\n        \
                 (18, 'range_bounds_histogram', s.range_bounds_histogram::text, '')",
        older: "",
    },
    // Who is no superuser may see the OIDs of subscriptions from 14 on. Before, nothing hides between the catalog and
    // the query of the kind, which reads all or fails.
    Difference {
        file: "coverage",
        below: 14,
        newest: "SELECT 'pg_subscription'::regclass, s.oid, NULL FROM pg_subscription s\n    WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())\n    UNION ALL\n",
        older: "",
    },
    // Publications of whole schemas came with 15.
    Difference {
        file: "coverage",
        below: 15,
        newest: "SELECT 'pg_publication_namespace'::regclass, oid, NULL FROM pg_publication_namespace\n    UNION ALL\n",
        older: "",
    },
    // Before 15 everybody may create in a new schema public.
    Difference {
        file: "schema",
        below: 15,
        newest: "false AS public_may_create",
        older: "true AS public_may_create",
    },
    // Sequences are always logged before 15, whatever their tables are.
    Difference {
        file: "sequence",
        below: 15,
        newest: "t.relpersistence = 'u' AS table_is_unlogged",
        older: "NULL::bool AS table_is_unlogged",
    },
    // The server tells the values of many sequences at once since 18.
    Difference {
        file: "sequence_name",
        below: 18,
        newest: "v.last_value, v.is_called",
        older: "NULL::bigint AS last_value, NULL::bool AS is_called",
    },
    Difference {
        file: "sequence_name",
        below: 18,
        newest: "CROSS JOIN LATERAL pg_get_sequence_data(c.oid) v\n",
        older: "",
    },
    // Multiranges came with 14.
    Difference {
        file: "alias",
        below: 14,
        newest: "r.rngmultitypid,",
        older: "0::oid,",
    },
    Difference {
        file: "alias",
        below: 14,
        newest: "r.rngmultitypid >= 16384",
        older: "false",
    },
    // So did scans by ranges of pages: before, each part of a table would read all of it.
    Difference {
        file: "table_size",
        below: 14,
        newest: "CASE WHEN am.amname = 'heap' THEN pg_relation_size(c.oid) / current_setting('block_size')::int8 END",
        older: "NULL::int8",
    },
    // NOT NULL constraints have rows of their own from 18 on.
    Difference {
        file: "column",
        below: 18,
        newest: "(nn.connamespace, nn.conname) IN (SELECT o.connamespace, o.conname FROM pg_constraint o\n        WHERE o.conislocal GROUP BY o.connamespace, o.conname HAVING count(*) > 1)",
        older: "NULL::bool",
    },
    // So did the choice of a compression method.
    Difference {
        file: "column",
        below: 14,
        newest: "a.attcompression",
        older: "''::\"char\"",
    },
    // And SQL-standard function bodies.
    Difference {
        file: "function",
        below: 14,
        newest: "pg_get_function_sqlbody(p.oid)",
        older: "NULL::text",
    },
    // Subscript handlers came with 14.
    Difference {
        file: "base_type",
        below: 14,
        newest: "nullif(t.typsubscript, 0)::regproc::text",
        older: "NULL::text",
    },
    // Multiranges came with 14.
    Difference {
        file: "range",
        below: 14,
        newest: "format_type(nullif(r.rngmultitypid, 0), NULL)",
        older: "NULL::text",
    },
    Difference {
        file: "range",
        below: 14,
        newest: "nullif(r.rngmultitypid, 0) AS",
        older: "NULL::oid AS",
    },
    // Collations had the locale of ICU in a column of its own since 15, the built-in provider's too since 17.
    Difference {
        file: "collation",
        below: 15,
        newest: "c.colllocale AS locale",
        older: "CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END AS locale",
    },
    Difference {
        file: "collation",
        below: 17,
        newest: "c.colllocale AS locale",
        older: "c.colliculocale AS locale",
    },
    // ICU rules came with 16.
    Difference {
        file: "collation",
        below: 16,
        newest: "c.collicurules",
        older: "NULL::text",
    },
    // Databases chose a locale provider from 15 on; ICU rules came with 16, the built-in provider with 17.
    Difference {
        file: "database",
        below: 15,
        newest: "d.datlocprovider::text",
        older: "NULL::text",
    },
    Difference {
        file: "database",
        below: 15,
        newest: "d.datlocale AS locale",
        older: "NULL::text AS locale",
    },
    Difference {
        file: "database",
        below: 17,
        newest: "d.datlocale AS locale",
        older: "d.daticulocale AS locale",
    },
    Difference {
        file: "database",
        below: 16,
        newest: "d.daticurules",
        older: "NULL::text",
    },
    // Publishing generated columns came with 18.
    Difference {
        file: "publication",
        below: 18,
        newest: "p.pubgencols = 's'",
        older: "false",
    },
    // Column lists and row filters of publications came with 15.
    Difference {
        file: "publication_table",
        below: 15,
        newest: "CASE WHEN r.prattrs IS NOT NULL THEN ARRAY(\n        SELECT a.attname::text FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS u (number, position)\n        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number ORDER BY u.position) END",
        older: "NULL::text[]",
    },
    Difference {
        file: "publication_table",
        below: 15,
        newest: "pg_get_expr(r.prqual, r.prrelid)",
        older: "NULL::text",
    },
    // Subscriptions: binary and streaming in 14; two phases and disabling on errors in 15; roles, origin and parallel
    // streaming in 16; failover in 17; parallel streaming as the default in 18.
    Difference {
        file: "subscription",
        below: 14,
        newest: "s.subbinary",
        older: "false",
    },
    Difference {
        file: "subscription",
        below: 14,
        newest: "s.substream::text",
        older: "'f'::text",
    },
    Difference {
        file: "subscription",
        below: 16,
        newest: "s.substream::text",
        older: "CASE WHEN s.substream THEN 't' ELSE 'f' END",
    },
    Difference {
        file: "subscription",
        below: 15,
        newest: "s.subtwophasestate <> 'd'",
        older: "false",
    },
    Difference {
        file: "subscription",
        below: 15,
        newest: "s.subdisableonerr",
        older: "false",
    },
    Difference {
        file: "subscription",
        below: 16,
        newest: "s.subpasswordrequired",
        older: "true",
    },
    Difference {
        file: "subscription",
        below: 16,
        newest: "s.subrunasowner",
        older: "false",
    },
    Difference {
        file: "subscription",
        below: 16,
        newest: "s.suborigin",
        older: "'any'::text",
    },
    Difference {
        file: "subscription",
        below: 17,
        newest: "s.subfailover",
        older: "false",
    },
    Difference {
        file: "subscription",
        below: 14,
        newest: "true AS knows_streaming",
        older: "false AS knows_streaming",
    },
    Difference {
        file: "subscription",
        below: 16,
        newest: "true AS knows_run_as_owner",
        older: "false AS knows_run_as_owner",
    },
];

/// The text of a query for a server, or `None` where the server cannot have such objects.
pub fn adapt(file: &str, sql: &str, server_version: u32) -> Option<String> {
    let major = server_version / 10_000;
    if ABSENT.iter().any(|a| a.file == file && major < a.below) {
        return None;
    }
    let mut text = sql.to_string();
    // The lowest bound that still holds is the text made for this server.
    let mut applicable: Vec<&Difference> = DIFFERENCES
        .iter()
        .filter(|d| d.file == file && major < d.below)
        .collect();
    applicable.sort_by_key(|d| d.below);
    for difference in applicable {
        text = text.replacen(difference.newest, difference.older, 1);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::queries;

    #[test]
    fn each_newest_text_occurs_exactly_once_in_its_file() {
        for difference in DIFFERENCES {
            let (_, sql) = queries()
                .find(|(name, _)| *name == difference.file)
                .unwrap_or_else(|| panic!("schema-sql/{}.sql is not registered", difference.file));
            let count = sql.matches(difference.newest).count();
            assert_eq!(
                count, 1,
                "{}: {:?} occurs {count} times",
                difference.file, difference.newest
            );
        }
    }

    #[test]
    fn the_newest_server_hears_the_files_as_they_stand() {
        for (name, sql) in queries() {
            assert_eq!(adapt(name, sql, 180_000).as_deref(), Some(sql));
        }
    }
}
