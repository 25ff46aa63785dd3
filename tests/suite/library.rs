//! The library as another program uses it: builders, events as a stream, cancellation, an archive without a server; and
//! nothing printed.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use pgstow::connect::Settings;
use pgstow::error::Kind;
use pgstow::event::{Event, events};
use pgstow::{Archive, Backup, Dump, Restore, catalog, plan, restore};
use tokio_util::sync::CancellationToken;

use crate::support;

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

#[test]
fn a_program_backs_up_reads_and_restores() {
    let server = support::server(support::newest());
    let (db, copy) = (server.database("library"), server.database("library_copy"));
    db.execute(
        "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'one'), (2, NULL); CREATE TABLE u (a int)",
    );
    let dir = tempfile::tempdir().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let made = wait(async {
        let settings = Settings::resolve(Some(&db.uri()))?;
        let heard = Arc::clone(&heard);
        let backup = Backup::new(settings, dir.path()).observer(move |event: Event| {
            if let Event::Table { name, rows, .. } = event {
                heard.lock().unwrap().push((name, rows));
            }
        });
        let filter = catalog::Filter {
            exclude_tables: vec![catalog::names::TablePattern {
                pattern: "u".parse()?,
                children: false,
            }],
            ..catalog::Filter::default()
        };
        backup.filter(filter).run().await
    })
    .unwrap();
    assert_eq!(made.rows, 2);
    // Once when it was dumped, once when it was read back.
    assert_eq!(
        *heard.lock().unwrap(),
        [("t".to_string(), 2), ("t".to_string(), 2)]
    );

    let mut archive = Archive::open(&made.path).unwrap().expect("it has an index");
    let table = archive.index().table("public", "t").expect("it is there").clone();
    let mut rows = archive.rows(&table.rows).unwrap();
    let mut text = Vec::new();
    loop {
        let piece = rows.chunk().unwrap();
        if piece.is_empty() {
            break;
        }
        text.extend_from_slice(piece);
    }
    assert_eq!(text, b"1\tone\n2\t\\N\n");

    let counts = wait(async {
        let settings = Settings::resolve(Some(&copy.uri()))?;
        Restore::new(settings)
            .options(restore::Options::default())
            .file(&made.path)
            .await
    })
    .unwrap();
    assert_eq!(
        (counts.rows, copy.query_text("SELECT count(*) FROM t").as_str()),
        (2, "2")
    );
}

#[test]
fn a_program_restores_a_part_beside_and_in_exchange() {
    let server = support::server(support::newest());
    let (db, part) = (server.database("library_parts"), server.database("library_part"));
    db.execute("CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE log_2024 AS SELECT 2 AS a");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.sql.gz");
    let before = wait(async {
        let settings = Settings::resolve(Some(&db.uri()))?;
        Dump::new(settings.clone()).to_file(&file).await?;
        let selection = restore::Selection {
            tables: vec!["(log|audit)_*".parse()?],
            ..restore::Selection::default()
        };
        let into_part = Restore::new(Settings::resolve(Some(&part.uri()))?).select(selection);
        assert_eq!(into_part.file(&file).await?.rows, 1);
        db.execute("DELETE FROM t");
        let (tried, before) = Restore::new(settings.clone()).swap(&file).await?;
        assert!(tried.comparison.differences.is_empty());
        let copy = format!("{before}_copy");
        let counts = Restore::new(settings).beside(&copy, &file).await?;
        server.postgres().execute(&format!("DROP DATABASE \"{copy}\""));
        assert_eq!(counts.rows, 2);
        Ok::<_, pgstow::Error>(before)
    })
    .unwrap();
    server.postgres().execute(&format!("DROP DATABASE \"{before}\""));
    let tables = "SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(part.query_text(tables), "log_2024");
    assert_eq!(db.query_text("SELECT count(*) FROM t"), "1");
}

#[test]
fn events_come_as_a_stream_and_a_token_ends_the_work() {
    let db = support::server(support::newest()).database("library_events");
    db.execute("CREATE TABLE t AS SELECT g FROM generate_series(1, 100) g");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.sql.gz");
    let (kinds, stopped) = wait(async {
        let settings = Settings::resolve(Some(&db.uri())).unwrap();
        let (sender, stream) = events();
        let dump = Dump::new(settings.clone())
            .observer(sender)
            .jobs(1)
            .options(plan::Options {
                owners: false,
                ..plan::Options::default()
            });
        dump.to_file(&file).await.unwrap();
        drop(dump);
        let kinds: Vec<Event> = stream.collect().await;
        let cancel = CancellationToken::new();
        cancel.cancel();
        let stopped = Dump::new(settings)
            .cancel(cancel)
            .to_file(dir.path().join("never.sql.gz"))
            .await;
        (kinds, stopped)
    });
    assert!(
        kinds
            .iter()
            .any(|event| matches!(event, Event::Total { tables: 1, .. }))
    );
    assert!(
        kinds
            .iter()
            .any(|event| matches!(event, Event::Table { rows: 100, .. }))
    );
    assert_eq!(stopped.err().map(|e| e.kind()), Some(Kind::Interrupted));
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["t.sql.gz"]);
}

/// A program's own observer is called by the dump's threads; what panics there must not leave the others waiting.
#[test]
fn a_panic_in_a_thread_of_the_dump_is_an_error_and_no_endless_wait() {
    let db = support::server(support::newest()).database("library_panic");
    db.execute("CREATE TABLE t AS SELECT g, repeat(md5(g::text), 8) AS x FROM generate_series(1, 100000) g");
    // Workers tell bytes, the writer rows.
    for by_worker in [true, false] {
        let settings = Settings::resolve(Some(&db.uri())).unwrap();
        let dump = Dump::new(settings)
            .jobs(3)
            .observer(move |event: Event| match event {
                Event::Moved { bytes, .. } if by_worker => assert_eq!(bytes, 0, "panics on purpose"),
                Event::Moved { rows, .. } => assert!(by_worker || rows == 0, "panics on purpose"),
                _ => {}
            });
        let ended = wait(async {
            let work = dump.to_writer(Vec::new());
            tokio::time::timeout(std::time::Duration::from_secs(30), work).await
        });
        let error = ended.expect("it ends").map(drop).expect_err("it failed");
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}

/// Printing and ending the process are the program's business: `cli` and `main`.
#[test]
fn nothing_below_the_command_line_prints_or_exits() {
    fn look(path: &std::path::Path, found: &mut Vec<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                look(&entry.unwrap().path(), found);
            }
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let says = ["println!", "eprintln!", "print!(", "process::exit", "static mut"];
            if !code.starts_with("//") && says.iter().any(|word| code.contains(word)) {
                found.push(format!("{}:{}: {code}", path.display(), number + 1));
            }
        }
    }
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    look(&src, &mut found);
    found.retain(|place| !place.contains("/src/cli/") && !place.contains("/src/main.rs"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_restore_that_is_dropped_leaves_no_session_behind() {
    let server = support::server(support::newest());
    let db = server.database("library_dropped");
    let here = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgstow'";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let settings = Settings::resolve(Some(&db.uri())).unwrap();
    for script in [
        "SELECT pg_sleep(600);\n",
        "CREATE TABLE t (a int);\nSELECT pg_sleep(600);\n",
    ] {
        let asleep = format!("{here} AND wait_event = 'PgSleep'");
        runtime.block_on(async {
            let restore = Restore::new(settings.clone());
            let sleeps = async {
                while db.query_text(&asleep) != "1" {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            };
            tokio::select! {
                done = restore.reader(script.as_bytes()) => panic!("{done:?}"),
                () = sleeps => {}
            }
        });
        // The runtime goes on, as a program's does.
        support::wait_until("the session ends", || db.query_text(here) == "0");
        assert_eq!(db.query_text("SELECT to_regclass('public.t') IS NULL"), "t");
    }
}

#[test]
fn a_restore_that_is_dropped_leaves_no_database_behind() {
    let server = support::server(support::newest());
    let db = server.database("library_dropped_beside");
    db.execute("CREATE TABLE t AS SELECT g FROM generate_series(1, 3) g");
    let dir = tempfile::tempdir().unwrap();
    let (file, sleeps) = (dir.path().join("all.sql.gz"), dir.path().join("sleeps.sql"));
    std::fs::write(&sleeps, "CREATE TABLE t (a int);\nSELECT pg_sleep(600);\n").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let settings = Settings::resolve(Some(&db.uri())).unwrap();
    runtime
        .block_on(Dump::new(settings.clone()).to_file(&file))
        .unwrap();
    let postgres = server.postgres();
    // Where the names had just been exchanged, the old one stays, as it should.
    let others =
        "SELECT count(*) FROM pg_database WHERE datname ~ '^library_dropped_beside.*_(new|restore_)'";
    let replaced =
        "SELECT datname FROM pg_database WHERE datname ~ '^library_dropped_beside.*_before_' LIMIT 1";
    let beside = format!("{}_new", db.name());
    let making = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE DATABASE \"library_dr%'";
    // While the server makes the database, and when it is there.
    for moment in [making, others] {
        for swapping in [false, true] {
            let restore = Restore::new(settings.clone());
            let work = async {
                match swapping {
                    true => restore.swap(&file).await.map(drop),
                    false => restore.beside(&beside, &sleeps).await.map(drop),
                }
            };
            let until = async {
                while postgres.query_text(moment) == "0" {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            };
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    done = work => done.unwrap(),
                    () = until => {}
                }
            });
            // Making it cannot be hastened: it is dropped when it is there, which it is before the statement has ended.
            support::wait_until("no database is left", || {
                postgres.query_text(making) == "0" && postgres.query_text(others) == "0"
            });
            let replaced = postgres.query_text(replaced);
            if !replaced.is_empty() {
                postgres.execute(&format!("DROP DATABASE \"{replaced}\" WITH (FORCE)"));
            }
            assert_eq!(db.query_text("SELECT count(*) FROM t"), "3", "{swapping}");
        }
        // The next one's name has another second in it.
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// Where a panic unwinds, as in a program that embeds the library: the part that was read must not be taken for all.
#[test]
fn a_reader_that_panics_is_not_the_end_of_the_script() {
    struct Panics(&'static [u8]);
    impl std::io::Read for Panics {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0.is_empty(), "the reader panics, as the test wants it");
            self.0.read(out)
        }
    }
    let server = support::server(support::newest());
    let db = server.database("library_panic");
    let e = wait(async {
        let settings = Settings::resolve(Some(&db.uri()))?;
        let script = Panics(b"CREATE TABLE t (a int);\nCREATE TABLE u (a int);\n");
        Restore::new(settings).reader(script).await
    })
    .unwrap_err();
    assert!(e.to_string().contains("panicked"), "{e}");
    assert_eq!(
        db.query_text("SELECT count(*) FROM pg_class WHERE relname IN ('t', 'u')"),
        "0"
    );
}

/// Whatever a program does with a future: give it to a runtime's threads, for one.
fn spawnable<F: Future + Send>(work: F) {
    drop(work);
}

#[test]
fn all_work_can_be_given_to_a_runtime_s_threads() {
    let settings = Settings::resolve(Some("postgresql://nobody@localhost/none")).unwrap();
    let restore = || Restore::new(settings.clone());
    spawnable(async move { restore().reader(&b""[..]).await });
    let restore = || Restore::new(settings.clone());
    spawnable(async move { restore().file("none").await });
    let restore = || Restore::new(settings.clone());
    spawnable(async move { restore().beside("none", "none").await });
    let restore = || Restore::new(settings.clone());
    spawnable(async move { restore().swap("none").await });
    let dump = Dump::new(settings.clone());
    spawnable(async move { dump.to_file("none").await });
    let backup = Backup::new(settings.clone(), "none");
    spawnable(async move { backup.run().await });
}
