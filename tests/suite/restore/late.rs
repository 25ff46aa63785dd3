//! A signal that comes when the server has done what was asked, and its answer is under way.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::relay::patient_relay;
use crate::support::{self, Db, Done, pgstow, run};

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
