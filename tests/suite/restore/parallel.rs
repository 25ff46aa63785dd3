//! Restores over several connections: into a fresh database, which then takes the live one's name.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgstow::connect::Settings;
use pgstow::event::{Event, Phase};

use super::picture;
use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

/// What is hard to do beside each other: what depends on keys, tables in circles, partitions, things that come last.
const TANGLE: &str = r#"
CREATE TABLE a (id int PRIMARY KEY, b int, name text UNIQUE);
CREATE TABLE b (id int PRIMARY KEY, a int, EXCLUDE USING btree (a WITH =));
INSERT INTO a SELECT i, i, 'a' || i FROM generate_series(1, 20000) i;
INSERT INTO b SELECT i, i FROM generate_series(1, 20000) i;
ALTER TABLE a ADD CONSTRAINT to_b FOREIGN KEY (b) REFERENCES b;
ALTER TABLE b ADD CONSTRAINT to_a FOREIGN KEY (a) REFERENCES a DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE parts (id int, at int, a int REFERENCES a, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE INDEX parts_a ON parts (a);
INSERT INTO parts SELECT i, i % 200, i FROM generate_series(1, 10000) i;
CREATE TABLE child (id int, at int, FOREIGN KEY (id, at) REFERENCES parts);
INSERT INTO child SELECT id, at FROM parts WHERE id % 10 = 0;
CREATE VIEW grouped AS SELECT a.id, a.name, count(*) FROM a JOIN b ON b.a = a.id GROUP BY a.id;
CREATE MATERIALIZED VIEW kept AS SELECT id, name FROM grouped;
CREATE UNIQUE INDEX kept_id ON kept (id);
CREATE INDEX a_lower ON a (lower(name)) WHERE id > 10;
CREATE INDEX a_include ON a (b) INCLUDE (name);
COMMENT ON INDEX a_lower IS 'it''s lower';
COMMENT ON CONSTRAINT to_b ON a IS 'b';
ALTER TABLE a CLUSTER ON a_pkey;
ALTER TABLE b REPLICA IDENTITY USING INDEX b_pkey;
CREATE STATISTICS a_statistics ON id, b FROM a;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.name := ''touched''; RETURN new; END';
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON a FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE a ENABLE ALWAYS TRIGGER touch;
CREATE RULE quiet AS ON DELETE TO b DO INSTEAD NOTHING;
CREATE TABLE hidden (id int PRIMARY KEY, owner name);
INSERT INTO hidden SELECT i, 'x' FROM generate_series(1, 100) i;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON hidden USING (owner = current_user);
CREATE UNLOGGED TABLE quick AS SELECT i FROM generate_series(1, 1000) i;
CREATE TABLE base (id serial PRIMARY KEY);
CREATE TABLE derived (more text) INHERITS (base);
INSERT INTO base DEFAULT VALUES;
INSERT INTO derived (more) SELECT 'x' FROM generate_series(1, 50);
CREATE TABLE nothing (a int);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
SELECT lo_from_bytea(4711, decode(repeat('00ff5c27', 50000), 'hex'));
CREATE SCHEMA "odd ""name""";
CREATE TABLE "odd ""name"""."T;1" ("from" int PRIMARY KEY REFERENCES a, "stdin" text);
INSERT INTO "odd ""name"""."T;1" SELECT i, repeat('long ', 20000) || i FROM generate_series(1, 60) i;
CREATE INDEX "the ""index" ON "odd ""name"""."T;1" USING hash ("from");
CREATE EVENT TRIGGER nosy ON ddl_command_end EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger();
"#;

fn tangled(cluster: &'static Cluster) -> Db<'static> {
    let db = cluster.database("parallel");
    // An event trigger's function must be one.
    let event = "CREATE FUNCTION nosy() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\n\
        CREATE EVENT TRIGGER nosy ON ddl_command_end EXECUTE FUNCTION nosy();";
    let (rest, _) = TANGLE.split_once("CREATE EVENT TRIGGER").unwrap();
    db.execute(&format!("{rest}{event}"));
    db
}

fn dumped(db: &Db, dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(name);
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    file
}

fn swap(db: &Db, file: &Path, jobs: &str) -> Command {
    let mut command = pgstow();
    command.args([
        "restore",
        "--swap",
        "--yes",
        "--jobs",
        jobs,
        "--dbname",
        &db.uri(),
    ]);
    command.arg(file);
    command
}

/// Databases that were made beside this one.
fn beside(db: &Db, what: &str) -> String {
    let name = db.name().replace('_', "\\_");
    db.query_text(&format!(
        "SELECT count(*) FROM pg_database WHERE datname LIKE '{name}\\_{what}\\_%'"
    ))
}

fn drop_the_old_one(db: &Db) {
    let old = db.query_text(&format!(
        "SELECT datname FROM pg_database WHERE datname LIKE '{}\\_before\\_%'",
        db.name().replace('_', "\\_")
    ));
    db.cluster()
        .postgres()
        .execute(&format!("DROP DATABASE \"{old}\" WITH (FORCE)"));
}

#[test]
fn everything_comes_back_over_several_connections() {
    for cluster in support::servers() {
        let db = tangled(cluster);
        let dir = tempfile::tempdir().unwrap();
        let want = picture(&db);
        for (name, jobs) in [("x.sql.gz", "4"), ("x.sql.zst", "2"), ("x.sql", "3")] {
            let file = dumped(&db, dir.path(), name);
            db.execute("DROP TABLE child; UPDATE base SET id = -id;");
            run(&mut swap(&db, &file, jobs)).ok();
            assert!(
                picture(&db) == want,
                "PostgreSQL {}, {name}: the new database is not what it was",
                cluster.major()
            );
            assert_eq!(beside(&db, "restore"), "0");
            drop_the_old_one(&db);
        }
    }
}

#[test]
fn rows_are_frozen_by_every_connection() {
    let cluster = support::server(support::newest());
    let db = tangled(cluster);
    // Smaller tables are not worth it.
    db.execute(
        "CREATE TABLE one AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 5000) i;
         CREATE TABLE two AS TABLE one;
         CREATE TABLE three (LIKE one) PARTITION BY RANGE (i);
         CREATE TABLE three_1 PARTITION OF three DEFAULT;
         INSERT INTO three TABLE one;
         CREATE TABLE four () INHERITS (one);
         INSERT INTO four TABLE one;",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    run(&mut swap(&db, &file, "2")).ok();
    db.execute("CREATE EXTENSION pg_visibility");
    for table in ["ONLY one", "two", "three_1", "four"] {
        let name = table.trim_start_matches("ONLY ");
        let frozen = format!(
            "SELECT count(*) > 0 FROM {table}, pg_visibility_map_summary('{name}') v \
             HAVING count(*) > 0 AND min(v.all_frozen) >= count(DISTINCT ({name}.ctid::text::point)[0])"
        );
        assert_eq!(db.query_text(&frozen), "t", "{table}");
    }
    drop_the_old_one(&db);
}

#[test]
fn what_fails_on_one_connection_ends_all_and_the_live_database_stays() {
    let cluster = support::server(support::newest());
    let db = tangled(cluster);
    let dir = tempfile::tempdir().unwrap();
    // A row whose reference is gone: only the last step of the restore can find it.
    db.execute("SET session_replication_role = replica; DELETE FROM a WHERE id = 20;");
    let broken = dumped(&db, dir.path(), "broken.sql.gz");
    db.execute("INSERT INTO a VALUES (20, 20, 'a20')");
    let before = picture(&db);
    let done = run(&mut swap(&db, &broken, "4"));
    assert_eq!(done.code, 3, "{done}");
    assert!(
        done.stderr.contains("violates foreign key constraint") && done.stderr.contains("line "),
        "{done}"
    );
    assert!(picture(&db) == before);
    assert_eq!(
        (beside(&db, "restore"), beside(&db, "before")),
        ("0".into(), "0".into())
    );

    // A byte within the rows.
    let whole = dumped(&db, dir.path(), "whole.sql.gz");
    let mut bytes = std::fs::read(&whole).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let damaged = dir.path().join("damaged.sql.gz");
    std::fs::write(&damaged, bytes).unwrap();
    let done = run(&mut swap(&db, &damaged, "2"));
    assert!(matches!(done.code, 3 | 4), "{done}");
    assert_eq!(
        (beside(&db, "restore"), beside(&db, "before")),
        ("0".into(), "0".into())
    );
    assert!(picture(&db) == before);

    run(&mut swap(&db, &whole, "2")).ok();
    drop_the_old_one(&db);
}

#[test]
fn what_is_not_what_the_index_says_never_takes_the_live_name() {
    let cluster = support::server(support::newest());
    let db = cluster.database("parallel_trigger");
    // Rows that change as they are loaded: the proof must find it.
    db.execute(
        "CREATE TABLE t (a int CHECK (a >= 0), b text DEFAULT 'x');
         INSERT INTO t SELECT i, i::text FROM generate_series(1, 1000) i;",
    );
    let dir = tempfile::tempdir().unwrap();
    let plain = dumped(&db, dir.path(), "x.sql");
    let text = std::fs::read_to_string(&plain).unwrap();
    // The same number of bytes: a column's type that rounds.
    let changed = text.replacen("b text DEFAULT 'x'::text", "b char(9)DEFAULT 'x'    ", 1);
    assert_eq!(text.len(), changed.len());
    assert_ne!(text, changed);
    std::fs::write(&plain, changed).unwrap();
    let done = run(&mut swap(&db, &plain, "2"));
    assert_ne!(done.code, 0, "{done}");
    assert!(done.stderr.contains("live database was not touched"), "{done}");
    assert_eq!(
        (beside(&db, "restore"), beside(&db, "before")),
        ("0".into(), "0".into())
    );
    assert_eq!(db.query_text("SELECT count(*) FROM t"), "1000");
}

/// A swap that is in the middle of its rows.
fn in_the_middle(db: &Db, file: &Path) -> Child {
    let child = swap(db, file, "2")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let busy = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pgstow' AND query LIKE 'COPY%' \
        AND state = 'active' AND datname LIKE '%\\_restore\\_%'";
    while db.cluster().postgres().query_text(busy) != "t" {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the swap does not begin"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn large(cluster: &Cluster) -> Db<'_> {
    let db = cluster.database("parallel_large");
    db.execute(
        "CREATE TABLE one AS SELECT i, md5(i::text) AS m, repeat(md5((-i)::text), 4) AS r FROM generate_series(1, 400000) i;
         CREATE TABLE two AS TABLE one;",
    );
    db
}

#[test]
fn ctrl_c_in_a_swap_or_a_test_restore_drops_the_new_database() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = large(&cluster);
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let child = in_the_middle(&db, &file);
        let start = Instant::now();
        run(Command::new("kill").arg(signal).arg(child.id().to_string())).ok();
        let done = Done::of(child);
        assert_eq!(done.code, code, "{done}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_eq!(
            (beside(&db, "restore"), beside(&db, "before")),
            ("0".into(), "0".into())
        );
    }
    let child = pgstow()
        .args(["verify", "--test-restore", "--dbname", &db.uri()])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while beside(&db, "test") != "1" {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the test restore does not begin"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    run(Command::new("kill").arg("-INT").arg(child.id().to_string())).ok();
    let done = Done::of(child);
    assert_eq!(done.code, 130, "{done}");
    assert_eq!(beside(&db, "test"), "0");
    // And then it works.
    run(&mut swap(&db, &file, "2")).ok();
    drop_the_old_one(&db);
}

#[test]
fn a_server_killed_in_a_swap_is_told_and_the_second_attempt_succeeds() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = large(&cluster);
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    let child = in_the_middle(&db, &file);
    cluster.crash();
    let done = Done::of(child);
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("lost") || done.stderr.contains("ended the connection"),
        "{done}"
    );
    cluster.start_again();
    assert_eq!(db.query_text("SELECT count(*) FROM one"), "400000");
    // A server that is gone drops nothing; the message names what is left.
    let left = cluster.postgres().query_text(
        "SELECT coalesce(max(datname), '') FROM pg_database WHERE datname LIKE '%\\_restore\\_%'",
    );
    assert!(left.is_empty() || done.stderr.contains(&left), "{left}: {done}");
    run(&mut swap(&db, &file, "2")).ok();
    drop_the_old_one(&db);
}

/// An extension's tables refer to each other by keys that the script knows nothing of.
#[test]
fn rows_of_an_extension_s_tables_come_in_order() {
    for cluster in support::servers() {
        let db = cluster.database("parallel_extension");
        if db.query_text("SELECT count(*) FROM pg_available_extensions WHERE name = 'pgstow_test'") == "0" {
            continue;
        }
        db.execute(
            "CREATE SCHEMA conf; CREATE EXTENSION pgstow_test SCHEMA conf;
             INSERT INTO conf.z_master SELECT i, 'master ' || i FROM generate_series(1, 20000) i;
             INSERT INTO conf.a_detail SELECT i, 1 + i % 20000, repeat('long ', 20) FROM generate_series(1, 60000) i;",
        );
        let want = picture(&db);
        let dir = tempfile::tempdir().unwrap();
        let file = dumped(&db, dir.path(), "x.sql.gz");
        run(&mut swap(&db, &file, "3")).ok();
        assert!(picture(&db) == want, "PostgreSQL {}", cluster.major());
        drop_the_old_one(&db);
    }
}

#[test]
fn a_server_that_ends_idle_sessions_does_not_end_those_that_wait_for_others() {
    let major = support::newest();
    if major < 14 {
        return;
    }
    let conf = "idle_session_timeout = 400ms\nidle_in_transaction_session_timeout = 400ms\n";
    let cluster = Cluster::start(
        major,
        &Setup {
            conf,
            ..Setup::default()
        },
    );
    let db = cluster.database("parallel_idle");
    db.execute(
        "CREATE TABLE small AS SELECT 1 AS a; CREATE TABLE other AS SELECT 2 AS a;
         CREATE FUNCTION slow(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.7); RETURN a; END';
         CREATE INDEX slowly ON small (public.slow(a)); CREATE INDEX plain ON other (a);",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    run(&mut swap(&db, &file, "4")).ok();
    drop_the_old_one(&db);
    // A script that says nothing of it, and comes slowly.
    let mut slow = pgstow();
    slow.args(["restore", "--yes", "--dbname", &db.uri(), "-"]);
    let mut child = support::start(slow.stdin(Stdio::piped()));
    let mut input = child.stdin.take().unwrap();
    for part in [
        "CREATE TABLE slow_one (a int);\n",
        "CREATE TABLE slow_two (a int);\n",
    ] {
        let text = format!("{part}{}", "-- more\n".repeat(100_000));
        std::io::Write::write_all(&mut input, text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(900));
    }
    drop(input);
    child.done().ok();
}

/// A small file system, which only root can make.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> SmallDisk {
        let dir = tempfile::tempdir().unwrap();
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=777"), "tmpfs"])
            .arg(dir.path()))
        .ok();
        let parent = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(dir.path(), parent).ok();
        SmallDisk(dir)
    }

    fn grow(&self, size: &str) {
        run(Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.0.path()))
        .ok();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(self.0.path()));
    }
}

#[test]
fn a_full_disk_of_the_server_is_told_and_with_room_the_restore_succeeds() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let source = large(&cluster);
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&source, dir.path(), "x.sql.gz");
    // The server's words for it, which need no rights.
    let words = "DO $$ BEGIN RAISE disk_full USING MESSAGE = 'No space left on device'; END $$;\n";
    let done = super::restore_text(&source, words.as_bytes());
    assert_eq!(done.code, 3, "{done}");
    assert!(done.stderr.contains("make room"), "{done}");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let disk = SmallDisk::mount("40m");
    let place = disk.0.path().join("space");
    std::fs::create_dir(&place).unwrap();
    run(Command::new("chown").arg("postgres").arg(&place)).ok();
    cluster
        .postgres()
        .execute(&format!("CREATE TABLESPACE small LOCATION '{}'", place.display()));
    let db = cluster.database_with("parallel_full", "TABLESPACE small");
    db.execute("CREATE TABLE keep (a int)");
    let before = picture(&db);
    let plain = |db: &Db| {
        run(pgstow()
            .args(["restore", "--yes", "--dbname", &db.uri()])
            .arg(&file))
    };
    for done in [plain(&db), run(&mut swap(&db, &file, "2"))] {
        assert_eq!(done.code, 3, "{done}");
        assert!(
            done.stderr.contains("No space left on device") && done.stderr.contains("disk is full"),
            "{done}"
        );
        assert!(picture(&db) == before);
        assert_eq!(beside(&db, "restore"), "0");
    }
    disk.grow("800m");
    plain(&db).ok();
    assert_eq!(db.query_text("SELECT count(*) FROM one"), "400000");
    drop(db);
    cluster.postgres().execute("DROP TABLESPACE small");
}

/// The most memory that a process held, in bytes.
fn peak(mut child: Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = Done::of(child).ok();
    assert!(peak > 0, "{done}");
    peak
}

#[test]
fn a_restore_holds_a_few_members_and_no_more() {
    let cluster = support::server(support::newest());
    let db = large(cluster);
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("theirs.sql");
    run(db.pg_dump().arg("-f").arg(&theirs)).ok();
    for file in [
        dumped(&db, dir.path(), "x.sql.gz"),
        dumped(&db, dir.path(), "x.sql.zst"),
        theirs,
    ] {
        let target = cluster.database("parallel_memory");
        let child = pgstow()
            .args(["restore", "--yes", "--jobs", "2", "--dbname", &target.uri()])
            .arg(&file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let peak = peak(child);
        // The promise is 32 MiB for the released program; this one is not optimized, and its code counts as memory too.
        assert!(peak < 48 << 20, "{} bytes of memory for {}", peak, file.display());
    }
}

/// A schedule that writes the next backup over the one that is being restored: no row of it may come in.
#[test]
fn a_backup_that_takes_the_file_s_place_is_not_mixed_in() {
    let cluster = support::server(support::newest());
    let db = cluster.database("parallel_replaced");
    db.execute(
        "CREATE TABLE a AS SELECT 'first' AS which, i FROM generate_series(1, 50000) i;
         CREATE TABLE b AS SELECT 'first' AS which, i FROM generate_series(1, 40000) i;",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path(), "x.sql.gz");
    db.execute("UPDATE a SET which = 'other'; UPDATE b SET which = 'other'");
    let other = dumped(&db, dir.path(), "other.sql.gz");
    let (from, to) = (other.clone(), file.clone());
    let observer = move |event: Event| {
        if matches!(event, Event::Phase(Phase::Restore)) {
            // Once: it is gone the second time.
            let _ = std::fs::rename(&from, &to);
        }
    };
    let options = pgstow::restore::Options {
        jobs: 2,
        ..pgstow::restore::Options::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(async {
            let settings = Settings::resolve(Some(&db.uri()))?;
            let restore = pgstow::Restore::new(settings).options(options);
            restore.observer(observer).swap(&file).await
        })
        .unwrap();
    assert!(!other.exists(), "the file has not been replaced");
    let of = |table: &str| db.query_text(&format!("SELECT string_agg(DISTINCT which, ',') FROM {table}"));
    assert_eq!((of("a").as_str(), of("b").as_str()), ("first", "first"));
    drop_the_old_one(&db);
}
