//! What happens between us and the server: a signal that comes when the server has done what was asked and its answer is
//! under way; an end that only one side sees.

use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::relay::{Meanwhile, patient_relay};
use crate::support::{self, Db, Done, pgstow, run};

/// Cuts a connection when the server has done what it was told by a statement.
fn cut_off() -> Arc<Meanwhile> {
    Arc::new(|asks, _, _| {
        std::thread::sleep(Duration::from_secs(2));
        asks.shutdown(Shutdown::Both).unwrap();
    })
}

/// A file of ours with one table in it.
fn backup(db: &Db, dir: &Path) -> PathBuf {
    let file = dir.join("x.sql.gz");
    let dump = ["dump", "--quiet", "--dbname", &db.uri(), "--file"];
    run(pgstow().args(dump).arg(&file)).ok();
    file
}

/// Databases whose names begin with that of this one.
fn beside(db: &Db) -> String {
    db.query_text("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE starts_with(datname, current_database())")
}

/// Restores a script, with Ctrl-C when the server has done what it was told by a statement with these bytes in it.
fn interrupted_after(db: &Db, statement: &'static [u8], options: &[&str], file: &Path) -> Done {
    let child = Arc::new(OnceLock::<u32>::new());
    let known = Arc::clone(&child);
    let uri = patient_relay(
        db,
        statement,
        Arc::new(move |_, _, _| {
            std::thread::sleep(Duration::from_secs(1));
            run(Command::new("kill").args(["-INT", &known.wait().to_string()])).ok();
            std::thread::sleep(Duration::from_millis(500));
        }),
    );
    let restore = pgstow()
        .args(["restore", "--yes", "--dbname", &uri])
        .args(options)
        .arg(file)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.set(restore.id()).unwrap();
    Done::of(restore)
}

#[test]
fn a_restore_that_has_committed_is_not_said_to_have_been_stopped() {
    let server = support::server(support::newest());
    let db = server.database("restore_late");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql");
    std::fs::write(&file, "CREATE TABLE public.t (a int);\n").unwrap();
    let done = interrupted_after(&db, b"COMMIT\0", &[], &file);
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(db.query_text("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_database_that_was_just_made_is_dropped_when_the_restore_is_stopped() {
    let server = support::server(support::newest());
    let db = server.database("restore_late_made");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql");
    let made = format!("{}_made", db.name());
    std::fs::write(
        &file,
        format!("CREATE DATABASE {made};\n\\connect {made}\nCREATE TABLE public.t (a int);\n"),
    )
    .unwrap();
    let done = interrupted_after(&db, b"CREATE DATABASE", &["--create"], &file);
    assert_eq!(done.code, 130, "{done}");
    let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{made}'");
    assert_eq!(db.query_text(&left), "0", "{done}");
}

#[test]
fn a_server_lost_behind_a_relay_that_reads_nothing_more_is_told() {
    let server = support::server(support::newest());
    let db = server.database("restore_half_open");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql");
    // More rows than sockets hold.
    let rows = "1\n".repeat(16 << 20);
    std::fs::write(
        &file,
        format!("CREATE TABLE public.t (a int);\nCOPY public.t FROM stdin;\n{rows}\\.\n"),
    )
    .unwrap();
    let uri = patient_relay(
        &db,
        b"COPY public.t",
        Arc::new(|_, to_server, _| {
            to_server.shutdown(Shutdown::Both).unwrap();
            std::thread::sleep(Duration::from_secs(40));
        }),
    );
    let start = Instant::now();
    let done = run(pgstow().args(["restore", "--yes", "--dbname", &uri]).arg(&file));
    assert!(start.elapsed() < Duration::from_secs(30), "{done}");
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("was lost"), "{done}");
    assert_eq!(
        db.query_text("SELECT count(*) FROM pg_class WHERE relname = 't'"),
        "0"
    );
}

#[test]
fn a_database_whose_making_was_not_heard_of_is_dropped() {
    let server = support::server(support::newest());
    let db = server.database("restore_unheard_made");
    let dir = tempfile::tempdir().unwrap();
    let file = backup(&db, dir.path());
    let uri = patient_relay(&db, b"CREATE DATABASE", cut_off());
    for args in [
        ["verify", "--test-restore"].as_slice(),
        &["restore", "--yes", "--swap"],
    ] {
        let done = run(pgstow().args(args).args(["--dbname", &uri]).arg(&file));
        assert_eq!(done.code, 1, "{done}");
        assert_eq!(beside(&db), db.name(), "{done}");
    }
}

#[test]
fn a_drop_that_is_cut_off_is_tried_again() {
    let server = support::server(support::newest());
    let db = server.database("restore_cut_drop");
    let dir = tempfile::tempdir().unwrap();
    let file = backup(&db, dir.path());
    let first = AtomicBool::new(true);
    let uri = patient_relay(
        &db,
        b"DROP DATABASE",
        Arc::new(move |asks, _, _| {
            if first.swap(false, Ordering::Relaxed) {
                asks.shutdown(Shutdown::Both).unwrap();
            }
        }),
    );
    run(pgstow()
        .args(["verify", "--test-restore", "--dbname", &uri])
        .arg(&file))
    .ok();
    assert_eq!(beside(&db), db.name());
}

#[test]
fn an_exchange_whose_answer_was_lost_is_looked_up() {
    let server = support::server(support::newest());
    let db = server.database("restore_unheard_swap");
    db.execute("CREATE TABLE public.t (a int)");
    let dir = tempfile::tempdir().unwrap();
    let file = backup(&db, dir.path());
    db.execute("DROP TABLE public.t");
    let uri = patient_relay(&db, b"RENAME TO", cut_off());
    run(pgstow()
        .args(["restore", "--yes", "--swap", "--dbname", &uri])
        .arg(&file))
    .ok();
    assert_eq!(
        db.query_text("SELECT count(*) FROM pg_class WHERE relname = 't'"),
        "1"
    );
}
