//! Whatever breaks while a dump runs: it ends with the cause within seconds, with the documented exit code, and leaves
//! no file that looks whole, no temporary file and nothing running on the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

/// How long a run may take to end after something broke.
const SECONDS: Duration = Duration::from_secs(8);

/// A fresh database with a table that takes a while: some hundred megabytes of text that does not compress well.
fn filled(server: &'static Cluster) -> Db<'static> {
    static TEMPLATE: Mutex<Option<String>> = Mutex::new(None);
    let mut template = TEMPLATE.lock().unwrap();
    let template = template.get_or_insert_with(|| {
        let db = server.database_named("faults_template");
        fill(&db);
        // It stays for the tests to come, and goes with the server.
        let name = db.name().to_string();
        std::mem::forget(db);
        name
    });
    let strategy = if server.major() >= 15 {
        "STRATEGY file_copy"
    } else {
        ""
    };
    server.database_with("faults", &format!("TEMPLATE {template} {strategy}"))
}

fn fill(db: &Db) {
    db.execute(
        "CREATE TABLE big (id int, a text, b text);
         INSERT INTO big SELECT i, md5(i::text) || md5((i + 1)::text), repeat(md5((-i)::text), 3)
             FROM generate_series(1, 1200000) i;",
    );
}

/// A dump that is running: its first bytes are on disk.
struct Running {
    child: Child,
    dir: tempfile::TempDir,
    since: Instant,
}

impl Running {
    fn start(db: &Db, more: &[&str]) -> Running {
        let dir = tempfile::tempdir().unwrap();
        let mut command = pgstow();
        command.args(["dump", "--dbname", &db.uri(), "--jobs", "2", "--file"]);
        command.arg(dir.path().join("x.sql.gz")).args(more);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let running = Running {
            child,
            dir,
            since: Instant::now(),
        };
        while running.written() < 100_000 {
            assert!(
                running.since.elapsed() < Duration::from_secs(60),
                "the dump does not begin"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        running
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        entries.map(|e| e.unwrap().path()).collect()
    }

    fn written(&self) -> u64 {
        let files = self.files();
        assert!(
            !files.iter().any(|f| f.ends_with("x.sql.gz")),
            "the dump was over too soon"
        );
        files
            .iter()
            .filter_map(|f| std::fs::metadata(f).ok())
            .map(|m| m.len())
            .sum()
    }

    /// Waits for the end, which must come soon and leave nothing in the directory.
    #[track_caller]
    fn ended(self) -> Done {
        let broke = Instant::now();
        let done = Done::of(self.child);
        assert!(
            broke.elapsed() < SECONDS,
            "it took {:?} to end: {done}",
            broke.elapsed()
        );
        let left: Vec<_> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "{left:?} were left: {done}");
        done
    }
}

/// Waits until no connection of pgstow is left on the server.
#[track_caller]
fn assert_quiet(db: &Db) {
    let since = Instant::now();
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgstow' AND datname = current_database()";
    while db.query_text(query) != "0" {
        assert!(
            since.elapsed() < SECONDS,
            "the server still works for a dump that is over"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends one connection of pgstow, chosen by a condition on pg_stat_activity.
fn terminate(db: &Db, which: &str) {
    let ended = db.query_text(&format!(
        "SELECT count(pg_terminate_backend(pid)) FROM (
            SELECT pid FROM pg_stat_activity
            WHERE application_name = 'pgstow' AND datname = current_database() AND {which}
            ORDER BY backend_start LIMIT 1) a"
    ));
    assert_eq!(ended, "1", "there is a connection to end");
}

#[test]
fn a_worker_s_lost_backend_ends_the_dump_with_its_table_named() {
    let db = filled(support::server(support::newest()));
    let running = Running::start(&db, &[]);
    terminate(&db, "query LIKE '%COPY%'");
    let done = running.ended();
    assert_eq!(done.code, 1, "{done}");
    // A server that was sending when it was told to end sends no reason after.
    assert!(done.stderr.contains("dumping public.big"), "{done}");
    assert_quiet(&db);
}

#[test]
fn the_snapshot_holder_s_lost_backend_ends_the_dump() {
    let db = filled(support::server(support::newest()));
    let running = Running::start(&db, &[]);
    terminate(&db, "query NOT LIKE '%COPY%'");
    let done = running.ended();
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("the connection that holds the snapshot"),
        "{done}"
    );
    assert!(
        done.stderr
            .contains("terminating connection due to administrator command"),
        "{done}"
    );
    assert_quiet(&db);
}

#[test]
fn a_server_stopped_at_once_ends_the_dump() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = server.database("crash");
    fill(&db);
    let running = Running::start(&db, &[]);
    server.crash();
    let done = running.ended();
    assert_eq!(done.code, 1, "{done}");
    server.start_again();
}

#[test]
fn signals_end_the_dump_with_their_own_exit_codes() {
    let db = filled(support::server(support::newest()));
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = Running::start(&db, &[]);
        run(Command::new("kill").args([&format!("-{signal}"), &running.child.id().to_string()])).ok();
        let done = running.ended();
        assert_eq!(done.code, code, "{done}");
        assert_quiet(&db);
    }
}

#[test]
fn a_killed_dump_leaves_no_finished_file_and_the_next_run_tidies_up() {
    let db = filled(support::server(support::newest()));
    for pause in [0, 150, 400] {
        let mut running = Running::start(&db, &[]);
        std::thread::sleep(Duration::from_millis(pause));
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let target = running.dir.path().join("x.sql.gz");
        assert!(!target.exists());
        assert_eq!(running.files().len(), 1, "a killed process cannot tidy up");
        assert_quiet(&db);
        let mut next = pgstow();
        next.args(["dump", "--dbname", &db.uri(), "--file"]).arg(&target);
        let done = run(&mut next).ok();
        assert!(
            done.stderr.contains("removed what a killed run had left"),
            "{done}"
        );
        assert_eq!(running.files(), std::slice::from_ref(&target));
        run(pgstow().arg("verify").arg(&target)).ok();
    }
}

/// A small file system of its own, where we may make one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount() -> SmallDisk {
        let dir = tempfile::tempdir().unwrap().keep();
        let done = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&dir));
        assert_eq!(done.code, 0, "root may mount a tmpfs: {done}");
        SmallDisk(dir)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(Command::new("umount").arg(&self.0));
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let db = filled(support::server(support::newest()));
    if rustix::process::geteuid().is_root() {
        let disk = SmallDisk::mount();
        let file = disk.0.join("x.sql.gz");
        let done = run(pgstow()
            .args(["dump", "--dbname", &db.uri(), "--file"])
            .arg(&file));
        assert_eq!(done.code, 1, "{done}");
        assert!(done.stderr.contains("No space left on device"), "{done}");
        assert!(done.stderr.contains("x.sql.gz"), "{done}");
        assert_eq!(std::fs::read_dir(&disk.0).unwrap().count(), 0);
    }
    // The device that is always full needs no rights.
    let done = run(pgstow().args(["dump", "--dbname", &db.uri(), "--file", "/dev/full"]));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("No space left on device"), "{done}");
    assert_quiet(&db);
}

#[test]
fn a_table_replaced_since_the_snapshot_is_no_empty_table() {
    let db = support::server(support::newest()).database_named("faults_replaced");
    db.execute("CREATE TABLE replaced AS SELECT 1 AS a");
    let mut holder = db
        .psql()
        .args(["-qAtX"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = holder.stdin.take().unwrap();
    commands
        .write_all(b"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot();\n")
        .unwrap();
    let mut snapshot = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut snapshot)
        .unwrap();
    db.execute("DROP TABLE replaced; CREATE TABLE replaced AS SELECT 2 AS a");
    let done = run(pgstow().args(["dump", "--dbname", &db.uri(), "--snapshot", snapshot.trim()]));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("public.replaced was dropped or replaced"),
        "{done}"
    );
    drop(commands);
    holder.wait().unwrap();
}

#[test]
fn somebody_who_waits_to_change_a_table_does_not_hang_the_dump() {
    let db = support::server(support::newest()).database_named("faults_waiting");
    // Enough for several units, so that a unit begins long after the tables were locked.
    db.execute(
        "CREATE TABLE big AS SELECT i, repeat(md5(i::text), 20) AS t FROM generate_series(1, 200000) i",
    );
    let whole = run(pgstow().args(["dump", "--dbname", &db.uri(), "--jobs", "2"]));
    let done = AtomicBool::new(false);
    let dumped = std::thread::scope(|scope| {
        let waiting = || {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    db.try_execute(
                        "ALTER TABLE big ALTER t SET DEFAULT 'x'; ALTER TABLE big ALTER t DROP DEFAULT",
                    );
                }
            })
        };
        let (_first, _second) = (waiting(), waiting());
        let dumps: Vec<_> = (0..6)
            .map(|_| run(pgstow().args(["dump", "--dbname", &db.uri(), "--jobs", "2"])))
            .collect();
        done.store(true, Ordering::Relaxed);
        dumps
    });
    let rows = |done: &support::Done| done.stdout.lines().filter(|line| line.contains('\t')).count();
    for dump in &dumped {
        assert_eq!(dump.code, 0, "{}", dump.stderr);
        assert_eq!(rows(dump), rows(&whole));
    }
}

#[test]
fn a_closed_pipe_ends_the_dump_quietly() {
    let db = filled(support::server(support::newest()));
    let mut child = pgstow()
        .args(["dump", "--dbname", &db.uri()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1000];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(child.stdout.take());
    let broke = Instant::now();
    let done = Done::of(child);
    assert!(broke.elapsed() < SECONDS);
    assert_eq!((done.code, done.stderr.as_str()), (141, ""), "{done}");
    assert_quiet(&db);
}

#[test]
fn a_reader_that_never_reads_cannot_keep_an_interrupted_dump() {
    let db = filled(support::server(support::newest()));
    let child = pgstow()
        .args(["dump", "--dbname", &db.uri()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    run(Command::new("kill").args(["-TERM", &child.id().to_string()])).ok();
    let mut child = child;
    let broke = Instant::now();
    let status = child.wait().unwrap();
    assert!(broke.elapsed() < SECONDS, "{:?}", broke.elapsed());
    assert_eq!(status.code(), Some(143));
    assert_quiet(&db);
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let db = support::server(support::newest()).database("denied");
    let role = format!("reader_of_{}", db.name());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; CREATE TABLE open (a int); CREATE TABLE secret (a int); GRANT SELECT ON open TO {role};"
    ));
    let dir = tempfile::tempdir().unwrap();
    let uri = db.uri().replace("postgres@", &format!("{role}@"));
    let mut command = pgstow();
    command
        .args(["dump", "--dbname", &uri, "--file"])
        .arg(dir.path().join("x.sql.gz"));
    let done = run(&mut command);
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role};"));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("secret") && done.stderr.contains("permission denied"),
        "{done}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Passes bytes between clients and a server until it is told to fall silent: then it keeps the connections open and
/// passes nothing, as a network does that lost its route.
struct Network {
    port: u16,
    silent: Arc<AtomicBool>,
}

impl Network {
    fn to(server: u16) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&silent);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) else {
                    return;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let flag = Arc::clone(&flag);
                    std::thread::spawn(move || pass(from, to, &flag));
                }
            }
        });
        Network { port, silent }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let mut buffer = [0; 65536];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        while silent.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_network_that_falls_silent_ends_the_dump() {
    use pgstow::connect::{Settings, Snapshot, SnapshotOptions, connect};
    use pgstow::{catalog, dump, event::Silent, plan};

    let db = filled(support::server(support::newest()));
    let network = Network::to(db.cluster().port());
    let uri = db.uri().replace(
        &format!(":{}/", db.cluster().port()),
        &format!(":{}/", network.port),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (error, took) = runtime.block_on(async {
        let settings = Settings::resolve(Some(&uri)).unwrap();
        let leader = connect(&settings).await.unwrap();
        let snapshot = Snapshot::take(&leader, &SnapshotOptions::default())
            .await
            .unwrap();
        let catalog = catalog::load(&leader).await.unwrap();
        let plan = plan::build(catalog, &plan::Options::default(), &catalog::Choice::all()).unwrap();
        let source = dump::Source {
            settings,
            leader,
            snapshot,
            encoding: None,
        };
        let options = dump::Options {
            jobs: Some(2),
            patience: Duration::from_secs(1),
            ..dump::Options::default()
        };
        let silent = Arc::clone(&network.silent);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            silent.store(true, Ordering::SeqCst);
        });
        let began = Instant::now();
        let cancel = tokio_util::sync::CancellationToken::new();
        let done = dump::stream(source, plan, std::io::sink(), options, Arc::new(Silent), &cancel).await;
        (
            done.map(drop).expect_err("the dump cannot succeed"),
            began.elapsed(),
        )
    });
    network.silent.store(false, Ordering::SeqCst);
    assert!(
        error.to_string().contains("has not answered for 1 second"),
        "{error}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// The peak of a process's memory so far, in bytes.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// The peak of a dump's memory with four workers.
fn peak_of_dump(db: &Db) -> u64 {
    let mut child = pgstow()
        .args([
            "dump",
            "--dbname",
            &db.uri(),
            "--jobs",
            "4",
            "--file",
            "/dev/null",
        ])
        .spawn()
        .unwrap();
    let mut highest = 0;
    while child.try_wait().unwrap().is_none() {
        highest = peak(child.id()).unwrap_or(0).max(highest);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    highest
}

#[test]
fn memory_does_not_grow_with_the_size_of_a_table() {
    let db = filled(support::server(support::newest()));
    let peak = peak_of_dump(&db);
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

#[test]
fn a_slow_reader_makes_the_workers_wait_instead_of_filling_memory() {
    let db = filled(support::server(support::newest()));
    let mut child = pgstow()
        .args(["dump", "--dbname", &db.uri(), "--jobs", "4", "--compress", "none"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = child.stdout.take().unwrap();
    let mut text = vec![0; 1 << 20];
    reader.read_exact(&mut text).unwrap();
    // Time enough for four workers to receive the whole table, were they not to wait.
    let held = Instant::now();
    while held.elapsed() < Duration::from_secs(4) {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before all was read"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let peak = peak(child.id()).expect("it runs");
    assert!(peak < 64 << 20, "{} MiB", peak >> 20);
    let rest = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        rest > 150 << 20,
        "the table is too small to show anything: {rest} bytes"
    );
}

#[test]
fn a_dump_of_huge_rows_holds_less_than_one_of_them() {
    let db = support::server(support::newest()).database("huge");
    db.execute(
        "CREATE TABLE huge (id int, body text);
         ALTER TABLE huge ALTER body SET STORAGE EXTERNAL;
         INSERT INTO huge SELECT i, repeat(md5(i::text), 2 * 1024 * 1024) FROM generate_series(1, 6) i;",
    );
    let peak = peak_of_dump(&db);
    assert!(peak < 64 << 20, "{} MiB, more than one row of 64 MiB", peak >> 20);
}
