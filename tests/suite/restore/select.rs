//! Restoring a part of a backup.

use std::path::Path;

use super::{load_shop, picture};
use crate::support::{self, Db, Done, pgstow, run};

fn restore(db: &Db, file: &Path, more: &[&str]) -> Done {
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .args(more)
        .arg(file))
}

fn rows(db: &Db, table: &str) -> String {
    db.query_text(&format!(
        "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {table} t"
    ))
}

/// A dump by pgstow, which has an index, and one by pg_dump, which has none.
fn dumps(db: &Db, dir: &Path) -> [std::path::PathBuf; 2] {
    let files = [dir.join("ours.sql.gz"), dir.join("theirs.sql")];
    run(pgstow()
        .args(["dump", "--dbname", &db.uri(), "-f"])
        .arg(&files[0]))
    .ok();
    run(db.pg_dump().arg("-f").arg(&files[1])).ok();
    files
}

#[test]
fn definitions_and_then_rows_make_the_whole() {
    let server = support::server(support::newest());
    let source = server.database("select_source");
    load_shop(&source);
    let want = picture(&source);
    let dir = tempfile::tempdir().unwrap();
    for file in dumps(&source, dir.path()) {
        let target = server.database("select_target");
        restore(&target, &file, &["--schema-only"]).ok();
        assert_eq!(
            target.query_text("SELECT count(*) FROM public.items"),
            "0",
            "{}",
            file.display()
        );
        // Rows before their references: the file's order has circles that only triggers switched off allow.
        target.execute("ALTER TABLE \"odd \"\"name\"\"\".\"T;1\" DISABLE TRIGGER ALL");
        restore(&target, &file, &["--data-only"]).ok();
        target.execute("ALTER TABLE \"odd \"\"name\"\"\".\"T;1\" ENABLE TRIGGER ALL");
        assert!(picture(&target) == want, "{} differs", file.display());
    }
}

#[test]
fn the_rows_of_one_table_come_back_alone() {
    let server = support::server(support::newest());
    let db = server.database("select_table");
    load_shop(&db);
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = dumps(&db, dir.path());
    let (log, items) = (rows(&db, "public.log"), rows(&db, "public.items"));
    for file in [&ours, &theirs] {
        for pattern in ["log_2024", "public.log*", "*.log_????"] {
            db.execute("TRUNCATE public.log; UPDATE public.items SET name = 'changed' WHERE id = 1");
            restore(&db, file, &["--data-only", "--table", pattern]).ok();
            assert_eq!(rows(&db, "public.log"), log, "{pattern} of {}", file.display());
            assert_ne!(rows(&db, "public.items"), items);
        }
    }
    let done = restore(&db, &ours, &["--data-only", "--table", "nothing.*"]);
    assert_eq!(done.code, 2, "{done}");
    assert!(done.stderr.contains("no table that matches"), "{done}");
}

#[test]
fn damage_within_the_wanted_table_is_told() {
    let server = support::server(support::newest());
    let db = server.database("select_damaged");
    db.execute("CREATE TABLE public.t AS SELECT i, md5(i::text) AS m FROM generate_series(1, 100000) i");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&file, bytes).unwrap();
    db.execute("TRUNCATE public.t");
    let done = restore(&db, &file, &["--data-only", "--table", "t"]);
    assert!(matches!(done.code, 3 | 4), "{done}");
    assert_eq!(db.query_text("SELECT count(*) FROM public.t"), "0");
}
