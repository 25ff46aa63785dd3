//! Whole restores: which rows are converted, and that all of them come back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use pgstow::archive::Archive;
use pgstow::connect::Settings;
use pgstow::event::{Event, Observer, Phase};
use pgstow::restore::{self, Options};
use tokio_util::sync::CancellationToken;

use super::super::picture;
use super::{VALUES, table};
use crate::support::{self, Db, block_on, pgstow, run};

fn dumped(db: &Db, dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(name);
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    file
}

/// A restore over two connections, in whose sessions every statement is logged.
fn restored(db: &Db, how: &str, file: &Path) -> Command {
    let mut command = pgstow();
    command.args(["restore", "--yes", "--jobs", "2", "--dbname", &db.uri()]);
    command.args(how.split(' ')).arg(file);
    command.env("PGOPTIONS", "-c log_statement=all -c log_min_messages=log");
    command
}

/// The options of the COPY statements that the server's log tells of a table.
fn copies(db: &Db, table: &str) -> Vec<String> {
    let log = db.cluster().log();
    let lines = log
        .lines()
        .filter(|line| line.contains(&format!("statement: COPY public.{table} (")));
    let options = lines.filter_map(|line| line.split_once(" FROM stdin"));
    options.map(|(_, options)| options.trim().to_string()).collect()
}

/// Removes what the swap has left.
fn drop_the_old_one(db: &Db) {
    let old = db.query_text(&format!(
        "SELECT datname FROM pg_database WHERE datname LIKE '{}\\_before\\_%'",
        db.name().replace('_', "\\_")
    ));
    let drop = format!("DROP DATABASE \"{old}\" WITH (FORCE)");
    db.cluster().postgres().execute(&drop);
}

#[test]
fn large_tables_are_swapped_in_as_binary_rows_and_proved() {
    const FROZEN: &str = "WITH (FORMAT binary, FREEZE);";
    for cluster in support::servers() {
        let db = cluster.database("binary_swap");
        for (number, &values) in VALUES.iter().enumerate() {
            db.execute(&table(&format!("large_{number}"), values, 8_000));
        }
        db.execute(
            "CREATE TABLE odd (gone int, b text, g int GENERATED ALWAYS AS (length(b)) STORED, a timestamp(3), c numeric(9,3),
                 d varchar(5), e char(5), \"F, (\" float8 DEFAULT 1);
             ALTER TABLE odd DROP COLUMN gone;
             INSERT INTO odd (b, a, c, d, e, \"F, (\") SELECT repeat('x', i % 50), '2024-01-01'::timestamp + i * interval '1.234567 s', i / 7.0,
                 i % 99999, i % 999, random() FROM generate_series(1, 30000) i;
             CREATE TABLE parts (a int, b text) PARTITION BY RANGE (a);
             CREATE TABLE part (b text, a int NOT NULL);
             ALTER TABLE parts ATTACH PARTITION part FOR VALUES FROM (0) TO (100000);
             INSERT INTO parts SELECT i, repeat('y', 30) || i FROM generate_series(1, 40000) i;
             CREATE TABLE with_another (a int, b text, c interval);
             INSERT INTO with_another SELECT i, repeat('z', 40), interval '1 s' * i FROM generate_series(1, 30000) i;
             CREATE DOMAIN word AS text CHECK (value <> '');
             CREATE TABLE with_domain (a word);
             INSERT INTO with_domain SELECT repeat('z', 40) FROM generate_series(1, 30000) i;
             CREATE TABLE numbers (a int8, b int4);
             INSERT INTO numbers SELECT i * 1000000000000, i FROM generate_series(1, 60000) i;
             CREATE TABLE little (a int, b text);
             INSERT INTO little SELECT i, 'x' FROM generate_series(1, 100) i;",
        );
        let want = picture(&db);
        let dir = tempfile::tempdir().unwrap();
        let file = dumped(&db, dir.path(), "x.sql.gz");
        run(&mut restored(&db, "--swap", &file)).ok();
        assert!(picture(&db) == want, "PostgreSQL {}", cluster.major());
        for (number, (kind, ..)) in VALUES.iter().enumerate() {
            let table = format!("large_{number}");
            assert_eq!(
                copies(&db, &table),
                [FROZEN],
                "PostgreSQL {}, {kind}",
                cluster.major()
            );
        }
        for table in ["odd", "part"] {
            assert_eq!(
                copies(&db, table),
                [FROZEN],
                "PostgreSQL {}, {table}",
                cluster.major()
            );
        }
        for table in ["with_another", "with_domain", "numbers", "little"] {
            let copies = copies(&db, table);
            assert!(
                copies.len() == 1 && !copies[0].contains("binary"),
                "PostgreSQL {}, {table}: {copies:?}",
                cluster.major()
            );
        }
        drop_the_old_one(&db);
    }
}

#[test]
fn only_rows_that_are_proved_are_converted() {
    let cluster = support::server(support::newest());
    let db = cluster.database("binary_unproved");
    db.execute("CREATE TABLE unproved AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 30000) i");
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    let beside = format!("{}_beside", db.name());
    run(&mut restored(&db, &format!("--target-db {beside}"), &file)).ok();
    assert_eq!(copies(&db, "unproved"), ["WITH (FREEZE);"]);
    cluster.postgres().execute(&format!(
        "DROP DATABASE {beside} WITH (FORCE); DROP DATABASE {0} WITH (FORCE); CREATE DATABASE {0}",
        db.name()
    ));
    run(&mut restored(&db, "--quiet", &file)).ok();
    assert_eq!(copies(&db, "unproved"), ["WITH (FREEZE);", "WITH (FREEZE);"]);
    // Where a byte of a letter may look like a backslash.
    let sjis = dir.path().join("sjis.sql");
    run(pgstow()
        .args(["dump", "--encoding", "SJIS", "--dbname", &db.uri(), "-f"])
        .arg(&sjis))
    .ok();
    run(&mut restored(&db, "--swap --no-freeze", &sjis)).ok();
    assert_eq!(copies(&db, "unproved").last().map(String::as_str), Some(";"));
    drop_the_old_one(&db);
    run(&mut restored(&db, "--swap --no-freeze", &file)).ok();
    assert_eq!(
        copies(&db, "unproved").last().map(String::as_str),
        Some("WITH (FORMAT binary);")
    );
    drop_the_old_one(&db);
}

#[test]
fn rows_that_cannot_be_converted_are_loaded_as_text_from_the_first_on() {
    let cluster = support::server(support::newest());
    let db = cluster.database("binary_unfit");
    db.execute(
        "CREATE TABLE unfit (id int PRIMARY KEY, at date, x text);
         INSERT INTO unfit SELECT i, '2024-01-01'::date + i % 1000, repeat(md5(i::text), 8) FROM generate_series(1, 40000) i;
         INSERT INTO unfit VALUES (0, '0044-03-15 BC', 'idus');",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let heard = Arc::clone(&events);
    let observer: Arc<dyn Observer> = Arc::new(move |event| heard.lock().unwrap().push(event));
    let settings = Settings::resolve(Some(&db.uri())).unwrap();
    let options = Options {
        jobs: 2,
        ..Options::default()
    };
    let cancel = CancellationToken::new();
    let tried = block_on(restore::test_restore(
        &settings, &file, &options, &observer, &cancel,
    ))
    .unwrap();
    assert!(tried.comparison.differences.is_empty());
    assert_eq!((tried.counts.rows, tried.counts.tables), (40_001, 1));
    let events = events.lock().unwrap();
    let restoring = events
        .iter()
        .skip_while(|e| !matches!(e, Event::Phase(Phase::Restore)))
        .take_while(|e| !matches!(e, Event::Phase(Phase::Dump)));
    let (mut rows, mut bytes, mut tables, mut told) = (0, 0, 0, 0);
    for event in restoring {
        match event {
            Event::Moved { rows: r, bytes: b } => (rows, bytes) = (rows + r, bytes + b),
            Event::Table { .. } => tables += 1,
            Event::Info(text) => {
                told += usize::from(text.contains("row 40001 cannot be converted: COPY public.unfit"))
            }
            _ => {}
        }
    }
    let index = Archive::open(&file).unwrap().unwrap();
    let stored = index.index().tables[0].rows.stored();
    assert_eq!((rows, bytes, tables, told), (40_001, stored, 1, 1));
}

#[test]
fn a_row_that_the_server_refuses_is_told_with_its_line() {
    for cluster in support::servers() {
        let db = cluster.database("binary_refused");
        db.execute(
            "CREATE TABLE refused (id int CHECK (id >= 0), x text);
             INSERT INTO refused SELECT i, repeat('x', 100) FROM generate_series(1, 30000) i;",
        );
        let dir = tempfile::tempdir().unwrap();
        let file = dumped(&db, dir.path(), "x.sql");
        // The same number of bytes, so that the index still fits.
        let text = std::fs::read_to_string(&file).unwrap();
        let changed = text.replacen("(id >= 0)", "(id<>777)", 1);
        assert!(changed != text && changed.len() == text.len());
        std::fs::write(&file, &changed).unwrap();
        let line = changed
            .lines()
            .position(|line| line.starts_with("777\t"))
            .unwrap()
            + 1;
        let done = run(&mut restored(&db, "--swap", &file));
        assert_eq!(done.code, 3, "{done}");
        assert_eq!(copies(&db, "refused").len(), 1);
        for part in [
            &format!("line {line}: failed"),
            "line 777 of the rows of COPY public.refused",
            "violates check constraint",
        ] {
            assert!(
                done.stderr.contains(part),
                "PostgreSQL {}: {part}: {done}",
                cluster.major()
            );
        }
    }
}
