//! `--json` of every verb that reports, held against docs/json.md: every field is described there, and programs can rely
//! on those that are.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{self, Db, Done, run};

const PAGE: &str = include_str!("../../docs/json.md");

/// The words in backquotes of a section.
fn documented(heading: &str) -> BTreeSet<&'static str> {
    let start = PAGE
        .find(&format!("\n## {heading}"))
        .unwrap_or_else(|| panic!("{heading} is no section"));
    let section = &PAGE[start + 3..];
    let section = section.split("\n## ").next().unwrap();
    section.split('`').skip(1).step_by(2).collect()
}

/// Every field's name, at any depth.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                // FORMAT.md describes the header.
                if name != "header" {
                    fields(value, names);
                }
            }
        }
        _ => {}
    }
}

#[track_caller]
fn check(done: &Done, code: i32, headings: &[&str]) -> Value {
    assert_eq!(done.code, code, "{done}");
    let value: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"));
    let mut names = BTreeSet::new();
    fields(&value, &mut names);
    assert!(!names.is_empty(), "{done}");
    let known: BTreeSet<&str> = headings.iter().flat_map(|heading| documented(heading)).collect();
    for name in names {
        assert!(
            known.contains(name.as_str()),
            "{name} is not described under {headings:?}"
        );
    }
    value
}

fn backed_up(db: &Db, dir: &Path) -> std::path::PathBuf {
    let mut backup = support::pgstow();
    run(db.env(&mut backup).env("BACKUP_DIR", dir).arg("backup")).ok();
    let daily = std::fs::read_dir(dir.join("daily")).unwrap().next().unwrap();
    daily.unwrap().path()
}

#[test]
fn json_has_the_fields_that_are_described() {
    let db = support::server(support::newest()).database("json");
    db.execute("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE SEQUENCE s; SELECT lo_create(7)");
    let dir = tempfile::tempdir().unwrap();
    let file = backed_up(&db, dir.path());
    let pgstow = |words: &[&str]| {
        let mut command = support::pgstow();
        db.env(&mut command).env("BACKUP_DIR", dir.path());
        run(command.args(words).arg("--json"))
    };
    let name = file.to_str().unwrap();

    let list = check(&pgstow(&["list"]), 0, &["`list`"]);
    assert_eq!(
        (&list[0]["state"], &list[0]["rows"]),
        (&"verified".into(), &2.into())
    );
    let inside = check(&pgstow(&["list", name]), 0, &["`list FILE`"]);
    assert_eq!(inside["tables"][0]["rows"], 2);
    let verified = check(&pgstow(&["verify", name]), 0, &["`verify`"]);
    assert_eq!((&verified["whole"], &verified["rows"]), (&true.into(), &2.into()));
    let tried = check(
        &pgstow(&["verify", "--test-restore", name]),
        0,
        &["`verify`", "`compare`"],
    );
    assert_eq!(tried["test_restore"]["equal"], true);
    let equal = check(&pgstow(&["compare", name]), 0, &["`compare`"]);
    assert_eq!(
        (&equal["equal"], &equal["rows_compared"]),
        (&true.into(), &2.into())
    );
    let health = check(&pgstow(&["health"]), 0, &["`health`"]);
    assert_eq!(health["databases"][0]["healthy"], true);
    let doctor = check(&pgstow(&["doctor"]), 0, &["`doctor`"]);
    assert!(doctor["checks"].as_array().unwrap().len() > 3);
    let cleanup = check(&pgstow(&["cleanup", "--dry-run"]), 0, &["`cleanup`"]);
    assert_eq!(cleanup[0]["verdict"], "keep");

    db.execute("INSERT INTO t VALUES (3); SELECT nextval('s'); CREATE TABLE more (a int)");
    let differs = check(&pgstow(&["compare", name]), 1, &["`compare`"]);
    assert_eq!(differs["tables_differ"][0]["database_rows"], 3);
    assert_eq!(differs["tables_new"].as_array().unwrap().len(), 1);

    let damaged = dir.path().join("daily/json_2020-01-01_00-00-00.sql.gz");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&damaged, bytes).unwrap();
    let told = check(&pgstow(&["verify", damaged.to_str().unwrap()]), 4, &["`verify`"]);
    assert_eq!(told["whole"], false);
    let list = pgstow(&["list"]);
    check(&list, 0, &["`list`"]);
}
