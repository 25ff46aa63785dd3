//! `--json` of every verb that reports, held against docs/json.md, where every field is described, and against
//! tests/golden/json.txt, which has every field's types: programs can rely on both.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

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

/// The types that each field was seen to have, by verb and path.
#[derive(Default)]
struct Seen(BTreeMap<String, BTreeSet<&'static str>>);

impl Seen {
    /// Notes a value, and all within it, whose names must stand in the section of that heading.
    fn note(&mut self, heading: &str, path: &str, value: &Value, known: &BTreeSet<&str>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let key = format!("{heading} {path}").trim_end().to_string();
        self.0.entry(key).or_default().insert(kind);
        match value {
            Value::Array(values) => {
                let path = format!("{path}[]");
                values
                    .iter()
                    .for_each(|value| self.note(heading, &path, value, known));
            }
            // FORMAT.md describes the header.
            Value::Object(_) if path == ".header" => {}
            Value::Object(object) => {
                for (name, value) in object {
                    assert!(
                        known.contains(name.as_str()),
                        "{name} is not described under {heading}"
                    );
                    self.note(heading, &format!("{path}.{name}"), value, known);
                }
            }
            _ => {}
        }
    }

    /// What a command printed.
    #[track_caller]
    fn check(&mut self, done: &Done, code: i32, heading: &str) -> Value {
        assert_eq!(done.code, code, "{done}");
        let value: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"));
        let mut known = documented(&format!("`{heading}`"));
        if heading == "verify" {
            known.extend(documented("`compare`"));
        }
        self.note(heading, "", &value, &known);
        value
    }

    fn text(&self) -> String {
        let lines = self.0.iter().map(|(key, kinds)| {
            let kinds: Vec<&str> = kinds.iter().copied().collect();
            format!("{key}: {}\n", kinds.join(", "))
        });
        lines.collect()
    }
}

fn backed_up(db: &Db, dir: &Path) -> PathBuf {
    let mut backup = support::pgstow();
    run(db.env(&mut backup).env("BACKUP_DIR", dir).arg("backup")).ok();
    let daily = std::fs::read_dir(dir.join("daily")).unwrap().next().unwrap();
    daily.unwrap().path()
}

#[test]
fn json_has_the_fields_and_types_that_are_described() {
    let server = support::server(support::newest());
    let db = server.database("json");
    db.execute("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE SEQUENCE s; CREATE TABLE zero (); SELECT lo_from_bytea(7, 'large')");
    let (dir, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = backed_up(&db, dir.path());
    let in_store = |words: &[&str]| {
        let mut command = support::pgstow();
        db.env(&mut command).env("BACKUP_DIR", dir.path());
        run(command.args(words).arg("--json"))
    };
    let name = file.to_str().unwrap();
    let url = format!("file://{}", away.path().display());
    let mut seen = Seen::default();

    let list = seen.check(&in_store(&["list"]), 0, "list");
    assert_eq!(
        (&list[0]["state"], &list[0]["rows"]),
        (&"verified".into(), &2.into())
    );
    let inside = seen.check(&in_store(&["list", name]), 0, "list FILE");
    assert_eq!(inside["tables"][0]["rows"], 2);
    let verified = seen.check(&in_store(&["verify", name]), 0, "verify");
    assert_eq!((&verified["whole"], &verified["rows"]), (&true.into(), &2.into()));
    let tried = seen.check(&in_store(&["verify", "--test-restore", name]), 0, "verify");
    assert_eq!(tried["test_restore"]["equal"], true);
    let equal = seen.check(&in_store(&["compare", name]), 0, "compare");
    assert_eq!(
        (&equal["equal"], &equal["rows_compared"]),
        (&true.into(), &2.into())
    );
    let health = seen.check(&in_store(&["health"]), 0, "health");
    assert_eq!(health["databases"][0]["healthy"], true);
    let doctor = seen.check(&in_store(&["doctor"]), 0, "doctor");
    assert!(doctor["checks"].as_array().unwrap().len() > 3);
    let cleanup = seen.check(&in_store(&["cleanup", "--dry-run"]), 0, "cleanup");
    assert_eq!(cleanup[0]["verdict"], "keep");

    // A run in which one database is missing, another old backup goes, and everything is sent away.
    std::fs::create_dir(away.path().join("daily")).unwrap();
    for place in [&dir, &away] {
        let old = format!("daily/{}_2001-01-01_00-00-00.sql.gz", db.name());
        std::fs::copy(&file, place.path().join(old)).unwrap();
    }
    let both = format!("{0},{0}_missing", db.name());
    let mut backup = support::pgstow();
    db.env(&mut backup)
        .env("PGDATABASE", both)
        .env("BACKUP_DIR", dir.path())
        .args([
            "backup",
            "--json",
            "--globals",
            "--keep-weekly",
            "0",
            "--offsite-url",
            &url,
        ]);
    let made = seen.check(&run(&mut backup), 1, "backup");
    assert_eq!(made.as_array().unwrap().len(), 3, "{made}");
    assert_eq!(
        (&made[0]["succeeded"], &made[0]["rows"]),
        (&true.into(), &2.into())
    );
    assert_eq!(made[0]["deleted"].as_array().unwrap().len(), 1, "{made}");
    assert_eq!(made[0]["deleted_offsite"].as_array().unwrap().len(), 1, "{made}");
    assert_eq!(made[1]["succeeded"], false);
    let list = seen.check(
        &in_store(&["list", "--offsite", "--offsite-url", &url]),
        0,
        "list",
    );
    assert!(list.as_array().unwrap().len() > 1);

    let dumped = dir.path().join("d.sql.gz");
    let dumped = dumped.to_str().unwrap();
    let dump = seen.check(&in_store(&["dump", "--file", dumped]), 0, "dump");
    assert_eq!((&dump["file"], &dump["rows"]), (&dumped.into(), &2.into()));
    assert_eq!(in_store(&["dump"]).code, 2);
    let steps = seen.check(&in_store(&["restore", "--list", dumped]), 0, "restore --list");
    let rows = |step: &&Value| step["rows"] == 2;
    assert_eq!(
        steps.as_array().unwrap().iter().filter(rows).count(),
        1,
        "{steps}"
    );
    let restored = seen.check(&in_store(&["restore", "--yes", name]), 0, "restore");
    assert_eq!(
        (&restored["rows"], &restored["database"]),
        (&2.into(), &db.name().into())
    );
    let restored = seen.check(&in_store(&["restore", "--yes", "--swap", name]), 0, "restore");
    let before = restored["previous_database"].as_str().unwrap();
    server.postgres().execute(&format!("DROP DATABASE \"{before}\""));

    db.execute("INSERT INTO t VALUES (3); SELECT nextval('s'); CREATE TABLE more (a int); DROP TABLE zero; DROP SEQUENCE s; CREATE SEQUENCE s START 5; SELECT lo_unlink(7)");
    let differs = seen.check(&in_store(&["compare", name]), 1, "compare");
    assert_eq!(differs["tables_differ"][0]["database_rows"], 3);
    assert_eq!(differs["tables_new"].as_array().unwrap().len(), 1);

    let damaged = dir.path().join("daily/json_2020-01-01_00-00-00.sql.gz");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&damaged, bytes).unwrap();
    bytes = std::fs::read(&file).unwrap();
    let in_index = bytes.len() - 100;
    bytes[in_index] ^= 1;
    std::fs::write(dir.path().join("daily/json_2020-01-02_00-00-00.sql.gz"), bytes).unwrap();
    let told = seen.check(&in_store(&["verify", damaged.to_str().unwrap()]), 4, "verify");
    assert_eq!(told["whole"], false);
    seen.check(&in_store(&["list"]), 0, "list");
    seen.check(
        &in_store(&["health", "--max-age", "1s", "--dbname", "nobody"]),
        1,
        "health",
    );

    // What neither has an index nor stays in one database.
    let script = dir.path().join("script.sql");
    std::fs::write(&script, "SELECT 1;\n-- PostgreSQL database dump complete\n").unwrap();
    let script = script.to_str().unwrap();
    let verified = seen.check(&in_store(&["verify", script]), 0, "verify");
    assert_eq!(verified["rows_proved"], false);
    let restored = seen.check(&in_store(&["restore", "--yes", "--create", script]), 0, "restore");
    assert_eq!(restored["statements"], 1);
    seen.check(
        &in_store(&["doctor", "--backup-dir", "/nonexistent"]),
        1,
        "doctor",
    );

    // What fails at once, and what the server does not take.
    let no_file = "/nonexistent/x.sql.gz";
    let no_store = ["--backup-dir", "/nonexistent"];
    for (words, code) in [
        (&["list", no_store[0], no_store[1]][..], 1),
        (&["list", no_file], 1),
        (&["cleanup", no_store[0], no_store[1]], 1),
        (&["health", no_store[0], no_store[1]], 1),
        (&["verify", no_file], 1),
        (&["compare", no_file], 1),
        (&["doctor", no_file], 1),
        (&["restore", "--yes", no_file], 1),
        (&["restore", "--list", no_file], 1),
        (&["dump", "--file", dumped, "--dbname", "nobody"], 1),
        (&["backup", "--all-databases", "--port", "1"], 1),
        (&["schedule", "--schedule", "nonsense"], 2),
    ] {
        let told = seen.check(&in_store(words), code, "failure");
        let kind = ["failed", "usage"][code as usize - 1];
        assert_eq!(told["error"]["kind"], kind, "{words:?}");
    }
    let wrong = dir.path().join("wrong.sql");
    let end = "-- PostgreSQL database dump complete\n";
    std::fs::write(&wrong, format!("INSERT INTO t VALUES (1);\n{end}")).unwrap();
    let refused = in_store(&["restore", "--yes", wrong.to_str().unwrap()]);
    let told = seen.check(&refused, 3, "failure");
    assert_eq!(told["error"]["server"]["code"], "23505");
    let context = format!("DO $$ BEGIN RAISE 'no' USING HINT = 'none'; END $$;\n{end}");
    std::fs::write(&wrong, context).unwrap();
    seen.check(
        &in_store(&["restore", "--yes", wrong.to_str().unwrap()]),
        3,
        "failure",
    );

    // Of a store that is in trouble only.
    let warned = seen.0.entry("backup [].warnings[]".into()).or_default();
    warned.insert("string");
    // On Sundays only.
    seen.0
        .entry("backup [].weekly[]".into())
        .or_default()
        .insert("string");
    let golden = include_str!("../golden/json.txt");
    assert!(
        seen.text() == golden,
        "tests/golden/json.txt has other fields or types than what was printed:\n{}",
        seen.text()
    );
}

#[test]
fn a_daemon_prints_an_object_a_line_for_each_backup() {
    let db = support::server(support::newest()).database("json_daemon");
    let dir = tempfile::tempdir().unwrap();
    let mut command = support::pgstow();
    db.env(&mut command).env("BACKUP_DIR", dir.path()).args([
        "schedule",
        "--json",
        "--quiet",
        "--schedule",
        "* * * * * *",
    ]);
    let mut daemon = support::start(&mut command);
    let lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.take(2).map(Result::unwrap).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["succeeded"], &line["database"]),
            (&true.into(), &db.name().into())
        );
    }
}
