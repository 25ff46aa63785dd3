//! A case: one SQL script which makes objects of one kind in every shape, with a header saying where it runs.
//!
//! ```text
//! -- Views: updatable, with check option, ...      free text
//! -- min: 14                                       the oldest major that can load it
//! -- max: 17                                       the newest
//! -- needs: postgis                                extensions which the server must have
//! -- optional: ...reason...                        may run on no server at all, and why
//! -- options: --no-comments                        flags for the dump, pgstow's and pg_dump's alike
//! -- database: ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0     options of CREATE DATABASE for source and copies
//! -- once: ...reason...                            no second restore over the first, and why
//! -- beyond: ...reason...                          pg_dump itself fails this case, and why
//! -- beyond-clean: ...reason...                    the same of a restore over what is there
//! -- moves: by_hash                                rows may be in another of the tables whose names begin so
//! ```
//!
//! The script runs in psql as superuser. Roles and tablespaces belong to the whole server: a case gives them names
//! of its own and makes them only when they are not there yet, for every server of the run sees the case once but a
//! developer's may see it often.

use std::path::Path;

use crate::support::{Cluster, majors};

/// One script and where it runs.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub script: String,
    min: u32,
    max: u32,
    needs: Vec<String>,
    /// Whether it may run nowhere.
    is_optional: bool,
    /// Flags for the dump.
    pub options: Vec<String>,
    /// Options of CREATE DATABASE.
    pub database: String,
    /// Whether the case is restored a second time over the first.
    pub over_existing: bool,
    /// Whether pg_dump's own dump of it does not come back whole.
    pub beyond_pg_dump: bool,
    /// Whether pg_dump's own dump of it cannot be restored over what is there.
    pub clean_beyond_pg_dump: bool,
    /// The beginning of the names of tables that rows may move between.
    pub moves: Option<String>,
}

impl Case {
    /// Reads the header; the error says which line is odd.
    pub fn parse(name: &str, script: &str) -> Result<Case, String> {
        let mut case = Case {
            name: name.to_string(),
            script: script.to_string(),
            min: 0,
            max: u32::MAX,
            needs: Vec::new(),
            is_optional: false,
            options: Vec::new(),
            database: String::new(),
            over_existing: true,
            beyond_pg_dump: false,
            clean_beyond_pg_dump: false,
            moves: None,
        };
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        for line in script.lines().map_while(|line| line.strip_prefix("--")) {
            let Some((key, value)) = line.trim().split_once(':') else {
                continue;
            };
            let value = value.trim();
            let number = || {
                value
                    .parse()
                    .map_err(|_| format!("{name}.sql: {key}: {value:?} is not a major version"))
            };
            match key {
                "min" => case.min = number()?,
                "max" => case.max = number()?,
                "optional" => case.is_optional = true,
                "needs" => case.needs = words(value),
                "options" => case.options = words(value),
                "database" => case.database = value.to_string(),
                "beyond" => case.beyond_pg_dump = true,
                "beyond-clean" => case.clean_beyond_pg_dump = true,
                "moves" => case.moves = Some(value.to_string()),
                "once" => case.over_existing = false,
                // A colon in free text; but a misspelt key must not widen or narrow a case unseen.
                _ if key.contains(' ') || key.starts_with(char::is_uppercase) => {}
                _ => return Err(format!("{name}.sql: {key:?} is no key of a case's header")),
            }
        }
        Ok(case)
    }

    /// Whether this server can load it.
    pub fn runs_on(&self, server: &Cluster) -> bool {
        (self.min..=self.max).contains(&server.major())
            && self.needs.iter().all(|name| {
                let query = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{name}'");
                server.postgres().query_text(&query) == "1"
            })
    }
}

/// Those cases, by name, that `PGSTOW_TEST_CASES` (parts of names, comma-separated) picks, or all.
pub fn all() -> Vec<Case> {
    let picked = std::env::var("PGSTOW_TEST_CASES").unwrap_or_default();
    let picked: Vec<&str> = picked.split(',').filter(|part| !part.is_empty()).collect();
    let mut cases = every();
    cases.retain(|case| picked.is_empty() || picked.iter().any(|part| case.name.contains(part)));
    assert!(!cases.is_empty(), "no case has {picked:?} in its name");
    cases
}

/// All cases there are, by name.
pub fn every() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&dir).expect("tests/kinds is there") {
        let path = entry.expect("tests/kinds is readable").path();
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        if path.extension().is_none_or(|e| e != "sql") || name.starts_with('.') {
            continue;
        }
        let script = std::fs::read_to_string(&path).expect("a case is UTF-8 text");
        cases.push(Case::parse(&name, &script).unwrap_or_else(|e| panic!("{e}")));
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

#[test]
fn no_case_is_left_out_on_every_server() {
    let cases = all();
    let newest = majors().into_iter().max();
    let narrowed = majors().len() < crate::support::ALL_MAJORS.len();
    for case in cases {
        let runs = majors()
            .into_iter()
            .any(|major| case.runs_on(crate::support::server(major)));
        assert!(
            runs || narrowed || case.is_optional,
            "{}.sql runs on no server up to {newest:?}: it needs {:?}, between {} and {}",
            case.name,
            case.needs,
            case.min,
            case.max
        );
    }
}

#[test]
fn a_header_is_read_and_a_misspelt_key_refused() {
    let case = Case::parse(
        "x",
        "-- Views: all of them\n-- min: 14\n-- options: --clean --if-exists\nSELECT 1;\n-- max: 2",
    );
    let case = case.expect("it is well-formed");
    assert_eq!((case.min, case.max), (14, u32::MAX));
    assert_eq!(case.options, ["--clean", "--if-exists"]);
    assert!(Case::parse("x", "-- mim: 14\n").is_err());
    assert!(Case::parse("x", "-- min: new\n").is_err());
}
