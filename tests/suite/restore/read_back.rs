//! Tables that are read back while others are still being filled: each row once, and never too early.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

/// A server that logs every statement.
fn talkative() -> Cluster {
    let setup = Setup {
        conf: "log_statement = all\nlog_min_messages = log\n",
        ..Setup::default()
    };
    Cluster::start(support::newest(), &setup)
}

fn dumped(db: &Db, dir: &Path) -> PathBuf {
    let file = dir.join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    file
}

fn swap(db: &Db, file: &Path) -> Done {
    let options = ["restore", "--swap", "--yes", "--jobs", "2", "--dbname", &db.uri()];
    run(pgstow().args(options).arg(file))
}

/// `COPY ... TO` statements that name this table, in a part of the server's log.
fn reads(log: &str, table: &str) -> usize {
    let of = |line: &&str| line.contains("COPY") && line.contains("TO STDOUT") && line.contains(table);
    log.lines().filter(of).count()
}

#[test]
fn what_was_read_back_in_time_is_not_read_again() {
    let cluster = talkative();
    let db = cluster.database("back");
    db.execute(
        "CREATE TABLE large (id int PRIMARY KEY, text text);
         INSERT INTO large SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 120000) i;
         CREATE TABLE parent (id int PRIMARY KEY);
         INSERT INTO parent SELECT i FROM generate_series(1, 1000) i;
         CREATE TABLE child (parent int REFERENCES parent, text text);
         INSERT INTO child SELECT i, 'x' FROM generate_series(1, 1000) i;
         CREATE TABLE nothing ();
         INSERT INTO nothing DEFAULT VALUES;
         CREATE TABLE parted (a int) PARTITION BY RANGE (a);
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
         INSERT INTO parted SELECT generate_series(0, 999);
         CREATE INDEX ON parted (a);
         CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM large;
         CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION tg();",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path());
    let before = cluster.log().len();
    let done = swap(&db, &file).ok();
    let log = cluster.log().split_off(before);
    for table in [
        "public.parent",
        "public.child",
        "public.nothing",
        "public.parted_1",
    ] {
        assert_eq!(reads(&log, table), 1, "{table}: {done}");
    }
    // 39 MB of text in parts of 16.
    assert_eq!(reads(&log, "FROM ONLY public.large"), 3, "{done}");
    assert_eq!(reads(&log, "COPY public.large"), 0, "{done}");
    run(pgstow().args(["compare", "--dbname", &db.uri()]).arg(&file)).ok();
}

/// What code of the user's does while indexes are built and so on must not go unnoticed: each of these changes `log`,
/// which has been read back long before.
#[test]
fn rows_that_are_changed_after_they_were_read_back_are_noticed() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let mut unnoticed = String::new();
    const WRITES: &str = "INSERT INTO public.log VALUES (0, 'again')";
    for (name, objects) in [
        (
            "check",
            "CREATE TABLE late (a int CHECK (public.note(a) > 0));
             INSERT INTO late VALUES (1);",
        ),
        (
            "index",
            "CREATE TABLE late (a int);
             INSERT INTO late VALUES (1);
             CREATE INDEX ON late (public.steady(a));",
        ),
        ("view", "CREATE MATERIALIZED VIEW late AS SELECT public.note(1);"),
        (
            "domain",
            "CREATE DOMAIN noted AS int CHECK (public.note(value) > 0);
             CREATE TABLE late (a noted);
             INSERT INTO late VALUES (1);",
        ),
        (
            "generated",
            "CREATE TABLE late (a int, b int GENERATED ALWAYS AS (public.steady(a)) STORED);
             INSERT INTO late VALUES (1);",
        ),
        (
            "operator",
            "CREATE FUNCTION public.noted(a int, b int) RETURNS boolean LANGUAGE plpgsql
                 AS 'BEGIN RETURN public.note(a) > 0; END';
             CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = public.noted);
             CREATE TABLE late (a int CHECK (a OPERATOR(public.===) 1));
             INSERT INTO late VALUES (1);",
        ),
        (
            "event",
            "CREATE MATERIALIZED VIEW late AS SELECT 1;
             CREATE FUNCTION public.told() RETURNS event_trigger LANGUAGE plpgsql
                 AS 'BEGIN PERFORM public.note(1); END';
             CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION public.told();",
        ),
    ] {
        let db = cluster.database(name);
        db.execute(&format!(
            "CREATE TABLE log (id int, text text);
             CREATE FUNCTION note(a int) RETURNS int LANGUAGE plpgsql
                 AS $$ BEGIN PERFORM pg_catalog.pg_sleep(0.5); {WRITES}; RETURN 1; END $$;
             CREATE FUNCTION steady(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE
                 AS $$ BEGIN RETURN public.note(a); END $$;
             CREATE TABLE other (id int);
             INSERT INTO other SELECT generate_series(1, 5000);
             {objects}
             TRUNCATE log;
             INSERT INTO log SELECT i, 'x' FROM generate_series(1, 1000) i;"
        ));
        let dir = tempfile::tempdir().unwrap();
        let file = dumped(&db, dir.path());
        let done = swap(&db, &file);
        let message = "what was restored is not what the file says: the live database was not touched";
        if done.stderr.contains(message) {
            assert_eq!(db.query_text("SELECT count(*) FROM log"), "1000", "{name}");
        } else {
            unnoticed.push_str(&format!("{name}: {done}\n"));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed}");
}

/// It is not said of what nobody will read any more that it is read later.
#[test]
fn ctrl_c_while_a_table_is_read_back_says_no_more_than_that() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("stopped");
    db.execute(
        "CREATE TABLE large (text text);
         INSERT INTO large SELECT repeat(md5(i::text), 10) FROM generate_series(1, 400000) i;
         CREATE TABLE larger AS SELECT text || text AS text FROM large;",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dumped(&db, dir.path());
    let options = ["restore", "--swap", "--yes", "--jobs", "2", "--dbname", &db.uri()];
    let child = pgstow()
        .args(options)
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let reading =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'COPY (%TO STDOUT' AND state = 'active'";
    let start = Instant::now();
    while db.query_text(reading) != "t" {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is read back");
    }
    run(Command::new("kill").arg("-INT").arg(child.id().to_string())).ok();
    let done = Done::of(child);
    assert_eq!(done.code, 130, "{done}");
    assert!(!done.stderr.contains("read again"), "{done}");
}

/// Connections of their own are needed to read tables back beside the restore.
#[test]
fn without_connections_to_spare_the_proof_reads_everything() {
    let cluster = talkative();
    let postgres = cluster.postgres();
    postgres.execute("CREATE ROLE keeper LOGIN CREATEDB; CREATE DATABASE app OWNER keeper");
    let uri = cluster.uri("app").replace("postgres@", "keeper@");
    let mut psql = support::psql();
    cluster.env(&mut psql, "app").env("PGUSER", "keeper");
    run(psql.args(["-c", "CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i"])).ok();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &uri, "-f"]).arg(&file)).ok();
    postgres.execute("ALTER ROLE keeper CONNECTION LIMIT 3");
    let before = cluster.log().len();
    let options = ["restore", "--swap", "--yes", "--jobs", "2", "--dbname", &uri];
    let done = run(pgstow().args(options).arg(&file)).ok();
    let reads = reads(&cluster.log().split_off(before), "public.t");
    assert!((1..=2).contains(&reads), "{reads}: {done}");
    run(pgstow().args(["compare", "--dbname", &uri]).arg(&file)).ok();
}
