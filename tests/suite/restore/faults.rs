//! A restore that is stopped in the middle: by a signal, by the server's end.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::restore_text;
use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

/// A restore that hangs in the middle of its work, on whatever the script's end is.
fn hanging(db: &Db, end: &[u8]) -> (std::process::Child, std::process::ChildStdin) {
    let mut child = pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri(), "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"DROP TABLE public.keep;\nCREATE TABLE public.t (a int);\n")
        .unwrap();
    stdin.write_all(end).unwrap();
    // More than a block, so that the reader hands it on: rows for a COPY, comments after a statement.
    let more: &[u8] = if end.starts_with(b"COPY") {
        b"1\n"
    } else {
        b"-- more\n"
    };
    stdin.write_all(&more.repeat(100_000)).ok();
    wait_for(
        db,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgstow' AND backend_xid IS NOT NULL",
        "1",
    );
    (child, stdin)
}

fn wait_for(db: &Db, query: &str, want: &str) {
    let start = Instant::now();
    while db.query_text(query) != want {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{query} never gave {want}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn ctrl_c_stops_within_seconds_and_nothing_has_changed() {
    let server = support::server(support::newest());
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        for end in [&b"SELECT pg_sleep(600);\n"[..], b"COPY public.t FROM stdin;\n1\n"] {
            let db = server.database("restore_signal");
            db.execute("CREATE TABLE public.keep (a int)");
            let (child, stdin) = hanging(&db, end);
            let start = Instant::now();
            run(Command::new("kill").arg(signal).arg(child.id().to_string())).ok();
            let done = Done::of(child);
            drop(stdin);
            assert_eq!(done.code, code, "{done}");
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "it took {:?}",
                start.elapsed()
            );
            assert_eq!(
                db.query_text("SELECT count(*) FROM pg_class WHERE relname IN ('keep', 't')"),
                "1"
            );
            let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgstow'";
            assert_eq!(db.query_text(left), "0", "the session is still there");
        }
    }
}

#[test]
fn a_lost_server_is_told_and_nothing_has_changed() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("restore_lost");
    db.execute("CREATE TABLE public.keep (a int)");
    for crash in [false, true] {
        for end in [&b"SELECT pg_sleep(600);\n"[..], b"COPY public.t FROM stdin;\n1\n"] {
            let (child, stdin) = hanging(&db, end);
            match crash {
                true => cluster.crash(),
                false => {
                    db.query_text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgstow'");
                }
            }
            let done = Done::of(child);
            drop(stdin);
            assert_eq!(done.code, 1, "{done}");
            let told = done.stderr.contains("lost") || done.stderr.contains("ended the connection");
            assert!(told, "{done}");
            if crash {
                cluster.start_again();
            }
            assert_eq!(
                db.query_text("SELECT count(*) FROM pg_class WHERE relname IN ('keep', 't')"),
                "1"
            );
        }
    }
    restore_text(&db, b"DROP TABLE public.keep;\n").ok();
}

/// A server that answers nothing any more, as behind a network that has gone silent.
#[test]
fn ctrl_c_ends_a_restore_whose_server_is_silent() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("restore_silent");
    db.execute("CREATE TABLE public.keep (a int)");
    for end in [&b"SELECT pg_sleep(600);\n"[..], b"COPY public.t FROM stdin;\n1\n"] {
        let (child, stdin) = hanging(&db, end);
        let pid = db.query_text("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgstow'");
        run(Command::new("kill").args(["-STOP", &pid])).ok();
        let start = Instant::now();
        run(Command::new("kill").arg("-INT").arg(child.id().to_string())).ok();
        let done = Done::of(child);
        let took = start.elapsed();
        run(Command::new("kill").args(["-CONT", &pid])).ok();
        drop(stdin);
        assert_eq!(done.code, 130, "{done}");
        assert!(took < Duration::from_secs(15), "it took {took:?}");
        assert!(done.stderr.contains("still rolling back"), "{done}");
        // It has been asked to, and does it as soon as it can.
        let here = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgstow'";
        wait_for(&db, here, "0");
        assert_eq!(
            db.query_text("SELECT count(*) FROM pg_class WHERE relname IN ('keep', 't')"),
            "1"
        );
    }
}

#[test]
fn ctrl_c_ends_a_swap_whose_server_is_silent_and_names_what_is_left() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database_named("app");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql");
    std::fs::write(&file, "CREATE TABLE t (a int);\nSELECT pg_sleep(600);\n").unwrap();
    let child = pgstow()
        .args(["restore", "--swap", "--yes", "--dbname", &db.uri()])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asleep = "FROM pg_stat_activity WHERE datname LIKE 'app_restore%' AND wait_event = 'PgSleep'";
    wait_for(&db, &format!("SELECT count(*) {asleep}"), "1");
    let pid = db.query_text(&format!("SELECT pid {asleep}"));
    run(Command::new("kill").args(["-STOP", &pid])).ok();
    let start = Instant::now();
    run(Command::new("kill").arg("-INT").arg(child.id().to_string())).ok();
    let done = Done::of(child);
    let took = start.elapsed();
    run(Command::new("kill").args(["-CONT", &pid])).ok();
    assert_eq!(done.code, 130, "{done}");
    assert!(took < Duration::from_secs(35), "it took {took:?}");
    let left = db.query_text("SELECT datname FROM pg_database WHERE datname LIKE 'app_restore%'");
    assert!(left.is_empty() || done.stderr.contains(&left), "{left}: {done}");
    assert_eq!(db.query_text("SELECT 1"), "1");
}
