//! A dump of tables that others change, or wait to change: it neither hangs nor loses a row, and tells what it met.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgstow::archive::Compression;
use pgstow::connect::{Settings, Snapshot, SnapshotOptions, connect};
use pgstow::dump::{self, Source};
use pgstow::event::{Event, Observer};
use pgstow::plan::Plan;
use pgstow::{catalog, plan};
use tokio_util::sync::CancellationToken;

use crate::support::{self, Db, block_on, pgstow, run, start, wait_until};

/// psql in the middle of a transaction.
struct Holder {
    child: Child,
    commands: ChildStdin,
}

impl Holder {
    /// Sends statements; their end is not waited for.
    fn begin(db: &Db, statements: &str) -> Holder {
        let mut child = db
            .psql()
            .args(["-qX", "-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut commands = child.stdin.take().unwrap();
        writeln!(commands, "BEGIN;\n{statements}").unwrap();
        Holder { child, commands }
    }

    fn commit(mut self) {
        writeln!(self.commands, "COMMIT;").unwrap();
        drop(self.commands);
        assert!(self.child.wait().unwrap().success());
    }
}

/// Waits until a lock in this mode on this table is granted to so many sessions, or waited for by them.
fn wait_for_lock(db: &Db, table: &str, mode: &str, granted: bool, sessions: usize) {
    let query = format!(
        "SELECT count(*) >= {sessions} FROM pg_locks WHERE relation = '{table}'::regclass AND mode = '{mode}'
             AND granted = {granted}"
    );
    wait_until(&format!("{mode} on {table}, granted: {granted}"), || {
        db.query_text(&query) == "t"
    });
}

/// A dump with its locks and its plan, about to read rows.
struct Ready {
    source: Source,
    plan: Plan,
    told: Arc<Mutex<Vec<String>>>,
}

impl Ready {
    async fn new(db: &Db<'_>, existing: Option<String>) -> Ready {
        let settings = Settings::resolve(Some(&db.uri())).unwrap();
        let leader = connect(&settings).await.unwrap();
        let options = SnapshotOptions {
            existing,
            ..SnapshotOptions::default()
        };
        let snapshot = Snapshot::take(&leader, &options).await.unwrap();
        let catalog = catalog::load(&leader).await.unwrap();
        let plan = plan::build(catalog, &plan::Options::default(), &catalog::Choice::all()).unwrap();
        Ready {
            source: Source {
                settings,
                leader,
                snapshot,
                encoding: None,
            },
            plan,
            told: Arc::default(),
        }
    }

    async fn stream<W: Write + Send + 'static>(self, out: W, jobs: usize) -> W {
        let told = Arc::clone(&self.told);
        let observer: Arc<dyn Observer> = Arc::new(move |event| {
            if let Event::Info(text) | Event::Warning(text) = event {
                told.lock().unwrap().push(text);
            }
        });
        let options = dump::Options {
            // What waits for its turn is as long as what was read.
            compression: Compression::None,
            jobs: Some(jobs),
            patience: Duration::from_millis(300),
            ..dump::Options::default()
        };
        let cancel = CancellationToken::new();
        let done = dump::stream(self.source, self.plan, out, options, observer, &cancel).await;
        done.unwrap().0
    }
}

/// Fills a table with some eight megabytes a unit.
fn fill(db: &Db, table: &str, units: usize) {
    db.execute(&format!(
        "CREATE TABLE {table} AS SELECT i, repeat(md5(i::text), 25) AS t FROM generate_series(1, {units} * 9000) i"
    ));
}

#[test]
fn a_table_somebody_waits_to_change_costs_a_moment_and_no_byte() {
    let db = support::server(support::newest()).database("waited");
    fill(&db, "waited_for", 12);
    fill(&db, "free", 2);
    // What could not be locked stands in the server's log.
    db.execute(&format!(
        "ALTER DATABASE {} SET log_min_messages = 'error'",
        db.name()
    ));
    let waits = || {
        let log = std::fs::read_to_string(db.cluster().socket_dir().join("server.log")).unwrap();
        let statements = log.lines().filter(|line| line.contains("STATEMENT:"));
        statements.filter(|line| line.contains("waited_for")).count()
    };
    block_on(async {
        let holder = Ready::new(&db, None).await;
        let id = holder.source.snapshot.id.clone();
        let (one, more) = (Ready::new(&db, id.clone()).await, Ready::new(&db, id).await);
        let told = [&one.told, &more.told].map(Arc::clone);
        let change = Holder::begin(&db, "ALTER TABLE waited_for ADD x int;");
        wait_for_lock(&db, "waited_for", "AccessExclusiveLock", false, 1);
        let one = one.stream(Vec::new(), 1).await;
        let after_one = waits();
        assert_eq!(after_one, 1);
        let more = more.stream(Vec::new(), 3).await;
        assert!(one == more, "the files differ");
        // Each worker tries all large tables at once, then each by itself.
        assert!(waits() - after_one <= 6, "{} waits", waits() - after_one);
        wait_for_lock(&db, "waited_for", "AccessExclusiveLock", false, 1);
        for told in told {
            assert_eq!(
                *told.lock().unwrap(),
                [
                    "another session holds or awaits a lock on public.waited_for: it is read by one connection alone"
                ]
            );
        }
        drop(holder);
        change.commit();
    });
}

/// An output that takes nothing until it may.
struct Held {
    may: Option<Receiver<()>>,
    bytes: Vec<u8>,
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(may) = self.may.take() {
            may.recv().unwrap();
        }
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_comes_to_change_a_table_while_others_are_read_does_not_make_its_turn_slow() {
    let db = support::server(support::newest()).database("later");
    fill(&db, "first", 8);
    fill(&db, "later", 3);
    block_on(async {
        let ready = Ready::new(&db, None).await;
        let told = Arc::clone(&ready.told);
        let (go, may) = channel();
        let out = Held {
            may: Some(may),
            bytes: Vec::new(),
        };
        let dump = tokio::spawn(ready.stream(out, 2));
        let change = tokio::task::block_in_place(|| {
            wait_for_lock(&db, "later", "AccessShareLock", true, 3);
            let change = Holder::begin(&db, "DROP TABLE later;");
            wait_for_lock(&db, "later", "AccessExclusiveLock", false, 1);
            change
        });
        go.send(()).unwrap();
        let bytes = dump.await.unwrap().bytes;
        assert!(bytes.len() > 1 << 20);
        assert_eq!(*told.lock().unwrap(), [""; 0]);
        change.commit();
    });
}

#[test]
fn who_comes_to_rebuild_an_index_while_its_table_is_read_does_not_hang_the_dump() {
    let db = support::server(support::newest()).database("indexed");
    // One unit, longer than what may wait for its turn: who reads it comes late to the next table.
    db.execute(
        "CREATE TABLE first (t text);
         ALTER TABLE first ALTER t SET STORAGE EXTERNAL;
         INSERT INTO first SELECT repeat('x', 1 << 20) FROM generate_series(1, 20);",
    );
    fill(&db, "indexed", 3);
    db.execute("CREATE INDEX indexed_i ON indexed (i)");
    block_on(async {
        let ready = Ready::new(&db, None).await;
        let (go, may) = channel();
        let out = Held {
            may: Some(may),
            bytes: Vec::new(),
        };
        let dump = tokio::spawn(ready.stream(out, 2));
        let rebuild = tokio::task::block_in_place(|| {
            wait_for_lock(&db, "indexed_i", "AccessShareLock", true, 2);
            let rebuild = Holder::begin(&db, "REINDEX INDEX indexed_i;");
            wait_for_lock(&db, "indexed_i", "AccessExclusiveLock", false, 1);
            rebuild
        });
        go.send(()).unwrap();
        let bytes = tokio::time::timeout(Duration::from_secs(60), dump).await;
        let bytes = bytes.expect("the dump ends").unwrap().bytes;
        assert!(bytes.len() > 40 << 20);
        rebuild.commit();
    });
}

#[test]
fn an_index_being_rebuilt_in_the_middle_of_a_tables_rows_doubles_none() {
    let db = support::server(support::newest()).database("rebuilt");
    db.execute(
        "CREATE TABLE long (i int, t text);
         ALTER TABLE long ALTER t SET STORAGE EXTERNAL;
         INSERT INTO long SELECT i, 'short' FROM generate_series(1, 20000) i;
         INSERT INTO long VALUES (0, repeat('long', 5000));",
    );
    let toast = db.query_text("SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'long'::regclass");
    block_on(async {
        let holder = Ready::new(&db, None).await;
        let id = holder.source.snapshot.id.clone();
        let (before, during) = (Ready::new(&db, id.clone()).await, Ready::new(&db, id).await);
        let before = before.stream(Vec::new(), 1).await;
        let rebuild = Holder::begin(&db, &format!("REINDEX TABLE {toast}; CREATE TABLE rebuilt ();"));
        wait_until("the index is locked", || {
            db.query_text(&format!(
                "SELECT count(*) > 0 FROM pg_locks JOIN pg_index ON relation = indexrelid
                 WHERE indrelid = '{toast}'::regclass AND mode = 'AccessExclusiveLock' AND granted"
            )) == "t"
        });
        let leader = during
            .source
            .leader
            .client
            .query_one("SELECT pg_backend_pid()", &[]);
        let leader: i32 = leader.await.unwrap().get(0);
        let dump = tokio::spawn(during.stream(Vec::new(), 2));
        tokio::task::block_in_place(|| {
            wait_until("the leader reads", || {
                db.query_text(&format!(
                    "SELECT count(*) > 0 FROM pg_locks WHERE pid = {leader} AND NOT granted"
                )) == "t"
            });
            // Longer than the dump's patience with a server that does not answer.
            std::thread::sleep(Duration::from_secs(1));
        });
        rebuild.commit();
        assert!(dump.await.unwrap() == before, "the files differ");
        drop(holder);
    });
}

#[test]
fn a_table_emptied_and_filled_again_while_the_dump_waits_for_it_is_not_empty() {
    for server in support::servers() {
        let db = server.database("refilled");
        db.execute(
            "CREATE TABLE refilled AS SELECT 1 AS a FROM generate_series(1, 1000);
             CREATE TABLE swapped AS SELECT 2 AS a FROM generate_series(1, 1000);
             CREATE TABLE gone AS SELECT 3 AS a",
        );
        let job = Holder::begin(
            &db,
            "TRUNCATE refilled; INSERT INTO refilled SELECT 4 FROM generate_series(1, 1000);
             LOCK swapped; CREATE TABLE new AS SELECT 5 AS a FROM generate_series(1, 1000);
             ALTER TABLE swapped RENAME TO old; ALTER TABLE new RENAME TO swapped;
             DROP TABLE gone; CREATE TABLE filled ();",
        );
        wait_for_lock(&db, "gone", "AccessExclusiveLock", true, 1);
        let dump = start(pgstow().args(["dump", "--jobs", "2", "--dbname", &db.uri()]));
        wait_for_lock(&db, "gone", "AccessShareLock", false, 1);
        job.commit();
        let dump = dump.done().ok();
        let rows = |a: &str| dump.stdout.lines().filter(|line| *line == a).count();
        assert_eq!(
            ["1", "2", "3", "4", "5"].map(rows),
            [0, 1000, 0, 1000, 1000],
            "{}",
            dump.stderr
        );
        assert!(dump.stderr.contains("a new snapshot is taken"), "{}", dump.stderr);
        assert!(
            !dump.stderr.contains("hint"),
            "nothing need be done: {}",
            dump.stderr
        );
    }
}

#[test]
fn tables_emptied_and_filled_again_without_a_pause_are_dumped_all_the_same() {
    let server = support::server(support::newest());
    refill_without_a_pause(&server.database("busy"));
    // What is locked before the snapshot may have a name in any bytes.
    let bytes = server.database_with("busy", "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    bytes.execute(r#"DO $$ BEGIN EXECUTE E'CREATE TABLE "gr\xf6n" ()'; END $$"#);
    refill_without_a_pause(&bytes);
}

fn refill_without_a_pause(db: &Db) {
    db.execute("CREATE TABLE busy AS SELECT 1 AS a FROM generate_series(1, 1000)");
    // Two, so that somebody always has the table or waits for it.
    let mut jobs: Vec<Holder> = (0..2).map(|_| Holder::begin(db, "COMMIT;")).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for job in &mut jobs {
            let over = &over;
            scope.spawn(move || {
                let once =
                    "BEGIN; TRUNCATE busy; INSERT INTO busy SELECT 1 FROM generate_series(1, 1000); COMMIT;";
                while !over.load(Ordering::SeqCst) && writeln!(job.commands, "{once}").is_ok() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                writeln!(job.commands, "BEGIN;").unwrap();
            });
        }
        let dumps: Vec<_> = (0..5)
            .map(|_| run(pgstow().args(["dump", "--jobs", "2", "--dbname", &db.uri()])))
            .collect();
        over.store(true, Ordering::SeqCst);
        for dump in dumps {
            let dump = dump.ok();
            assert_eq!(dump.stdout.lines().filter(|line| *line == "1").count(), 1000);
        }
    });
    jobs.into_iter().for_each(Holder::commit);
}

#[test]
fn a_table_that_is_left_out_may_be_dropped_while_the_dump_begins() {
    let db = support::server(support::newest()).database("left_out");
    db.execute("CREATE TABLE kept AS SELECT 1 AS a; CREATE TABLE scratch AS SELECT 2 AS a");
    block_on(async {
        let settings = Settings::resolve(Some(&db.uri())).unwrap();
        let holder = connect(&settings).await.unwrap();
        let snapshot = Snapshot::take(&holder, &SnapshotOptions::default())
            .await
            .unwrap();
        db.execute("DROP TABLE scratch");
        let mut dump = pgstow();
        dump.args(["dump", "--exclude-table", "public.scratch", "--dbname", &db.uri()]);
        let done = run(dump.args(["--snapshot", &snapshot.id.unwrap()])).ok();
        assert!(done.stdout.contains("COPY public.kept"), "{done}");
    });
}
