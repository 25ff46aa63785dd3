//! `pgstow doctor` finds beforehand what would make a backup or a restore fail.

use serde_json::Value;

use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

/// A database with something of each kind that can be refused.
fn furnished(cluster: &Cluster) -> Db<'_> {
    let db = cluster.database("doctor");
    db.execute(
        "CREATE TABLE open (a serial PRIMARY KEY);
         CREATE SCHEMA shut; CREATE TABLE shut.up (a int);
         CREATE TABLE ruled (a int, who name); ALTER TABLE ruled ENABLE ROW LEVEL SECURITY;
         CREATE POLICY mine ON ruled USING (who = current_user);
         SELECT lo_create(4711);
         DO $$ BEGIN CREATE ROLE doctor_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT SELECT ON ruled TO doctor_reader;",
    );
    db
}

fn doctor(uri: &str, store: &std::path::Path, more: &[&str]) -> (Done, Value) {
    let done = run(pgstow()
        .args(["doctor", "--json", "--dbname", uri])
        .args(more)
        .env("BACKUP_DIR", store));
    let json = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"));
    (done, json)
}

/// Status and text of a check.
fn check<'a>(json: &'a Value, part: &str, name: &str) -> (&'a str, &'a str) {
    let checks = json["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["for"] == part && c["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {part} {name}: {json:#}"));
    (
        found["status"].as_str().unwrap(),
        found["found"].as_str().unwrap(),
    )
}

#[test]
fn a_healthy_setup_is_healthy_on_every_server() {
    for cluster in support::servers() {
        let db = furnished(cluster);
        let store = tempfile::tempdir().unwrap();
        let (done, json) = doctor(&db.uri(), store.path(), &[]);
        assert_eq!(done.code, 0, "PostgreSQL {}: {done}", cluster.major());
        let failed: Vec<_> = json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["status"] == "failed")
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(check(&json, "backup", "snapshot").0, "ok");
        assert_eq!(check(&json, "backup", "catalog").0, "ok");
        assert_eq!(check(&json, "store", "newest backup").0, "warning");
        let text = run(pgstow()
            .args(["doctor", "--dbname", &db.uri()])
            .env("BACKUP_DIR", store.path()))
        .ok();
        assert!(
            text.stdout.contains("row security") && text.stdout.contains("`pgstow backup` makes one"),
            "{text}"
        );
    }
}

#[test]
fn everything_that_a_role_may_not_read_is_named() {
    let cluster = support::server(support::newest());
    let db = furnished(cluster);
    let store = tempfile::tempdir().unwrap();
    let uri = db.uri().replace("postgres@", "doctor_reader@");
    let (done, json) = doctor(&uri, store.path(), &[]);
    assert_eq!(done.code, 1, "{done}");
    for (name, told) in [
        ("tables", "public.open"),
        ("tables", "shut.up"),
        ("sequences", "public.open_a_seq"),
        ("schemas", "shut"),
        ("large objects", "4711"),
        ("row security", "public.ruled"),
        // The attempt itself says so, too.
        ("catalog", "permission denied"),
    ] {
        let (status, found) = check(&json, "backup", name);
        assert_eq!(status, "failed", "{name}: {json:#}");
        assert!(found.contains(told), "{name}: {found}");
    }
    assert_eq!(check(&json, "restore", "privileges").0, "failed");
    assert_eq!(check(&json, "restore", "databases").0, "warning");
    assert_eq!(json["status"], "failed");
    // What it says is what happens.
    let done = run(pgstow().args(["dump", "--dbname", &uri]));
    assert_eq!(done.code, 1, "{done}");
}

#[test]
fn a_server_that_cannot_be_reached_and_a_store_that_is_not_there_are_findings() {
    let missing = std::path::Path::new("/nonexistent/backups");
    let (done, json) = doctor("postgresql://postgres@127.0.0.1:1/x", missing, &[]);
    assert_eq!(done.code, 1, "{done}");
    assert_eq!(check(&json, "backup", "connection").0, "failed");
    let (status, found) = check(&json, "store", "store");
    assert!(status == "failed" && found.contains("does not exist"), "{json:#}");
}

#[test]
fn locks_connections_and_a_held_table_are_seen_before_they_hurt() {
    let conf = "max_locks_per_transaction = 10\nmax_connections = 20\nmax_prepared_transactions = 0\n";
    let cluster = Cluster::start(
        support::newest(),
        &Setup {
            conf,
            ..Setup::default()
        },
    );
    let db = cluster.database("doctor_locks");
    db.execute("CREATE TABLE held (a int); SELECT format('CREATE TABLE t%s (a int)', i) FROM generate_series(1, 210) i \\gexec");
    let store = tempfile::tempdir().unwrap();
    let mut holder = db
        .psql()
        .args(["-c", "BEGIN; LOCK TABLE held; SELECT pg_sleep(600)"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while db.query_text("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'held'::regclass AND granted") == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (done, json) = doctor(&db.uri(), store.path(), &["--jobs", "30"]);
    assert_eq!(done.code, 1, "{done}");
    assert_eq!(check(&json, "backup", "lock table").0, "failed", "{json:#}");
    assert_eq!(check(&json, "backup", "connections").0, "warning", "{json:#}");
    let (status, found) = check(&json, "backup", "locks held");
    assert!(status == "warning" && found.contains("held"), "{found}");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn a_backup_is_looked_at_against_the_server_it_is_to_go_to() {
    let cluster = support::server(support::newest());
    let db = furnished(cluster);
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("x.sql");
    std::fs::write(
        &file,
        "SET client_encoding = 'SJIS';\nCREATE EXTENSION no_such_thing;\nCREATE TABLE t (a int);\n\
         ALTER TABLE t OWNER TO nobody_here;\nCOPY t FROM stdin;\n\\.\n",
    )
    .unwrap();
    let (done, json) = doctor(&db.uri(), store.path(), &[file.to_str().unwrap()]);
    assert_eq!(done.code, 1, "{done}");
    assert!(check(&json, "restore", "extensions").1.contains("no_such_thing"));
    assert!(check(&json, "restore", "roles").1.contains("nobody_here"));
    assert_eq!(check(&json, "restore", "encoding").0, "warning");
}

#[test]
fn a_file_that_no_restore_can_read_is_told_and_one_that_it_can_is_not() {
    let cluster = support::server(support::newest());
    let db = cluster.database("doctor_file");
    db.execute("CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g");
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("x.sql.gz");
    run(pgstow()
        .args(["dump", "--dbname", &db.uri(), "--file"])
        .arg(&file))
    .ok();
    let whole = std::fs::read(&file).unwrap();
    let args = [file.to_str().unwrap()];
    let (_, json) = doctor(&db.uri(), store.path(), &args);
    assert_eq!(
        check(&json, "restore", "file"),
        (
            "ok",
            "whole to its end, with 1,000 rows of 1 table; `pgstow verify` reads them, too"
        )
    );
    std::fs::write(&file, "CREATE TABLE t (a int);\n").unwrap();
    let (_, json) = doctor(&db.uri(), store.path(), &args);
    assert_eq!(
        check(&json, "restore", "file"),
        ("ok", "1 statement, read to the end; it has no index")
    );
    for (content, found) in [
        (&b""[..], "the file is empty"),
        (b"hello world", "truncated"),
        (&whole[..whole.len() / 2], "truncated"),
        (b"\x89PNG\r\n\x1a\n\0\0", "neither gzip nor zstd nor text"),
    ] {
        std::fs::write(&file, content).unwrap();
        // Known without a server, too.
        for uri in [db.uri(), "postgresql://postgres@127.0.0.1:1/x".into()] {
            let (done, json) = doctor(&uri, store.path(), &args);
            assert_eq!(done.code, 1, "{done}");
            let (status, text) = check(&json, "restore", "file");
            assert!(status == "failed" && text.contains(found), "{done}");
        }
    }
    // Without a file there is nothing to be said of what it needs.
    let (_, json) = doctor(&db.uri(), store.path(), &[]);
    let checks = json["checks"].as_array().unwrap().iter();
    let names: Vec<_> = checks
        .filter(|c| c["for"] == "restore")
        .map(|c| c["check"].as_str().unwrap())
        .collect();
    for check in ["extensions", "roles", "locks", "disk"] {
        assert!(!names.contains(&check), "{names:?}");
    }
    let pipe = run(pgstow().args(["doctor", "--dbname", &db.uri(), "/dev/null"]));
    assert_eq!(pipe.code, 2, "{pipe}");
}
