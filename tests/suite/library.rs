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
