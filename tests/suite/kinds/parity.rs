//! How much of pg_dump's text occurs in ours, statement by statement and word for word.

use std::collections::{BTreeMap, HashMap};

use super::statements::statements;

/// Why statements that begin so are not in our dumps as pg_dump writes them. They count as missing all the same.
const REASONS: &[(&str, &str)] = &[
    (
        "CREATE FUNCTION begin.",
        "psql takes the name for the beginning of the body: quoted",
    ),
    (
        "CREATE PROCEDURE begin.",
        "psql takes the name for the beginning of the body: quoted",
    ),
    (
        "CREATE FUNCTION public.begin(",
        "psql takes the name for the beginning of the body: quoted",
    ),
    (
        "CREATE FUNCTION public.atomic(begin ",
        "psql takes the name for the beginning of the body: quoted",
    ),
    (
        "SET transaction_timeout = ",
        "servers before 17 refuse it, and a file may be read there; ours sets it where there is one",
    ),
    (
        "COMMENT ON EXTENSION ",
        "CREATE EXTENSION sets the extension's own comment, and saying it again needs the extension's owner; only a \
         changed one is written",
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
        "CREATE TABLE public.child (\n    CONSTRAINT unproved NOT NULL c",
        "a table constraint NOT NULL is known from 18 on only",
    ),
    (
        "CREATE TABLE public.renamed_child (",
        "pg_dump forgets the quotes of a constraint's name",
    ),
    (
        "CREATE TABLE public.of_its_own (\n    CONSTRAINT not_handed_down NOT NULL b",
        "a table constraint NOT NULL is known from 18 on only",
    ),
    (
        "CREATE TABLE public.z_original (",
        "its constraint's default name is another table's, so that ours says it",
    ),
    ("BEGIN;", LARGE_OBJECTS),
    ("COMMIT;", LARGE_OBJECTS),
    ("SELECT pg_catalog.lo_open(", LARGE_OBJECTS),
    ("SELECT pg_catalog.lowrite(", LARGE_OBJECTS),
    ("SELECT pg_catalog.lo_close(", LARGE_OBJECTS),
    (
        "CREATE SUBSCRIPTION ",
        "pg_dump names options that the server it comes from does not know",
    ),
    (
        "CREATE POLICY readers ",
        "ours names the roles in the order of their names, so that equal databases give equal dumps",
    ),
    (
        "ALTER TABLE ONLY public.bookings\n    ADD CONSTRAINT no_overlap ",
        EXCLUSION,
    ),
    (
        "ALTER TABLE ONLY public.bookings_1\n    ADD CONSTRAINT ",
        EXCLUSION,
    ),
    (
        "ALTER TABLE ONLY public.bookings_more\n    ADD CONSTRAINT ",
        EXCLUSION,
    ),
    (
        "ALTER TABLE ONLY public.bookings_2\n    ADD CONSTRAINT bookings_2_",
        EXCLUSION,
    ),
    (
        "ALTER TABLE ONLY public.\"Bookings Three\"\n    ADD CONSTRAINT ",
        EXCLUSION,
    ),
    ("ALTER INDEX public.no_overlap ATTACH ", EXCLUSION),
    ("ALTER INDEX public.between_them ATTACH ", EXCLUSION),
];

const LARGE_OBJECTS: &str =
    "contents go by lo_put, which needs no transaction of its own: such a one would end the reader's";

const EXCLUSION: &str = "the server refuses to attach indexes of exclusion constraints, so that pg_dump's dump does not \
                         come back";

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

    /// Which part of pg_dump's statements we have: 0 to 1.
    pub fn share(&self) -> f64 {
        if self.statements == 0 {
            return 1.0;
        }
        1.0 - self.missing.len() as f64 / self.statements as f64
    }

    /// Statements that are not ours for no reason that is known, each with its case.
    pub fn unexplained(&self) -> Vec<String> {
        self.missing
            .iter()
            .filter(|(_, statement)| reason(statement).is_none())
            .map(|(case, statement)| format!("{case}: {statement}"))
            .collect()
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
            let reason = reason(statement).unwrap_or("no reason known");
            let text: String = statement.chars().take(400).collect();
            out.push_str(&format!(
                "\n  not ours ({place}): {}\n    {reason}",
                text.replace('\n', "\n    ")
            ));
        }
        out
    }
}

fn reason(statement: &str) -> Option<&'static str> {
    let known = REASONS.iter().find(|(start, _)| statement.starts_with(start));
    known.map(|(_, reason)| *reason)
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
