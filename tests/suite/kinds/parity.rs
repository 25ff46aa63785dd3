//! How much of pg_dump's text occurs in ours, statement by statement and word for word.

use std::collections::{BTreeMap, HashMap};

use super::statements::statements;

/// Why statements that begin so are not in our dumps as pg_dump writes them. They count as missing all the same.
const REASONS: &[(&str, &str)] = &[
    (
        "SET transaction_timeout = ",
        "servers before 17 refuse it, and a file of 18 may be read there",
    ),
    (
        "COMMENT ON EXTENSION ",
        "CREATE EXTENSION sets the extension's own comment; only a changed one is written",
    ),
    (
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC;",
        "ours revokes all there is, so that it holds on 13 and 14 too",
    ),
    (
        "CREATE TABLE public.child (\n    NOT NULL ",
        "a table constraint NOT NULL is known from 18 on only",
    ),
    (
        "CREATE TABLE public.typed_child (\n    NOT NULL ",
        "a table constraint NOT NULL is known from 18 on only",
    ),
    (
        "COPY public.no_columns  FROM",
        "one blank where there are no columns",
    ),
    (
        "COPY public.only_generated  FROM",
        "one blank where there are no columns",
    ),
    (
        "CREATE TABLE public.z_original (",
        "its constraint's default name is another table's, so that ours says it",
    ),
    (
        "CREATE TABLE public.child (\n    CONSTRAINT unproved NOT NULL c",
        "a table constraint NOT NULL is known from 18 on only",
    ),
    (
        "BEGIN;",
        "around large objects' contents, for which lo_put needs no transaction of its own",
    ),
    (
        "COMMIT;",
        "around large objects' contents, for which lo_put needs no transaction of its own",
    ),
    ("SELECT pg_catalog.lo_open(", "contents go by lo_put"),
    ("SELECT pg_catalog.lowrite(", "contents go by lo_put"),
    ("SELECT pg_catalog.lo_close(", "contents go by lo_put"),
    (
        "CREATE SUBSCRIPTION ",
        "pg_dump names options that the server it comes from does not know",
    ),
    (
        "CREATE POLICY readers ",
        "ours names the roles in the order of their names, so that equal databases give equal dumps",
    ),
];

/// One case's comparison.
#[derive(Debug, Default)]
pub struct Shared {
    /// How many statements pg_dump wrote.
    pub statements: usize,
    /// Those of them that are not in our dump.
    pub missing: Vec<String>,
}

/// Compares two scripts.
pub fn compare(pg_dump: &str, ours: &str) -> Shared {
    let mut have: HashMap<String, usize> = HashMap::new();
    for statement in statements(ours) {
        *have.entry(statement).or_default() += 1;
    }
    let wanted = statements(pg_dump);
    let mut shared = Shared {
        statements: wanted.len(),
        missing: Vec::new(),
    };
    for statement in wanted {
        match have.get_mut(&statement) {
            Some(count) if *count > 0 => *count -= 1,
            _ => shared.missing.push(statement),
        }
    }
    shared
}

/// The setting of pg_dump's head that ours makes only where the server has it.
const HEAD: &str = "SET transaction_timeout = ";

/// All cases of a server together.
#[derive(Debug, Default)]
pub struct Parity {
    statements: usize,
    missing: Vec<(String, String)>,
    cases: usize,
}

impl Parity {
    /// Adds a case.
    pub fn add(&mut self, case: &str, shared: Shared) {
        self.cases += 1;
        self.statements += shared.statements;
        self.missing.extend(
            shared
                .missing
                .into_iter()
                .map(|statement| (case.to_string(), statement)),
        );
    }

    /// Which part of pg_dump's statements we have: 0 to 1. The one setting of a script's head that differs is the same
    /// in every case and counts once, or many small cases would weigh more than their objects.
    pub fn share(&self) -> f64 {
        let heads = self
            .missing
            .iter()
            .filter(|(_, statement)| statement.starts_with(HEAD))
            .count();
        let repeated = heads.saturating_sub(1);
        if self.statements == repeated {
            return 1.0;
        }
        1.0 - (self.missing.len() - repeated) as f64 / (self.statements - repeated) as f64
    }

    /// The share in words, and every statement that is not ours with the reason.
    pub fn report(&self, major: u32) -> String {
        let mut out = format!(
            "PostgreSQL {major}: {} cases came back whole; {:.2} % of pg_dump's {} statements are ours word for word",
            self.cases,
            self.share() * 100.0,
            self.statements
        );
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (case, statement) in &self.missing {
            groups.entry(statement).or_default().push(case);
        }
        for (statement, cases) in groups {
            let place = match cases[..] {
                [case] => case.to_string(),
                _ => format!("{} cases", cases.len()),
            };
            let reason = REASONS.iter().find(|(start, _)| statement.starts_with(start));
            let reason = reason.map_or("no reason known", |(_, reason)| reason);
            let text: String = statement.chars().take(400).collect();
            out.push_str(&format!(
                "\n  not ours ({place}): {}\n    {reason}",
                text.replace('\n', "\n    ")
            ));
        }
        out
    }
}

#[test]
fn a_statement_counts_once_for_each_time_it_is_there() {
    let shared = compare(
        "SELECT 1;\nSELECT 1;\nSELECT 2;",
        "-- ours\nSELECT 1;\n\nSELECT 2;\nSELECT 3;",
    );
    assert_eq!(
        (shared.statements, shared.missing),
        (3, vec!["SELECT 1;".to_string()])
    );
}
