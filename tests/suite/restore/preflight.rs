//! What would make a restore fail is told before anything is changed.

use super::{picture, restore};
use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

fn restore_with(db: &Db, file: &std::path::Path, more: &[&str]) -> Done {
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .args(more)
        .arg(file))
}

fn script(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn missing_extensions_are_told_at_once() {
    let server = support::server(support::newest());
    let db = server.database("preflight_extensions");
    let file = script(
        "CREATE TABLE t (a int);\nCREATE EXTENSION hstore;\nCREATE EXTENSION IF NOT EXISTS nope WITH SCHEMA \
        public;\nCREATE EXTENSION \"neither-this\";\n",
    );
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("extensions neither-this, nope"), "{done}");
}

#[test]
fn a_file_that_is_no_script_is_refused_by_its_name_before_anything_is_made() {
    let server = support::server(support::newest());
    let db = server.database("preflight_no_script");
    for (content, found) in [("", "empty"), ("\u{1}\u{2}\0", "neither gzip nor zstd nor text")] {
        let file = script(content);
        let told = format!("[ERROR] {}: the file is {found}", file.path().display());
        for more in [
            &[][..],
            &["--swap"],
            &["--target-db", "preflight_none"],
            &["--list"],
            &["--table", "t"],
        ] {
            let done = restore_with(&db, file.path(), more);
            assert_eq!(done.code, 4, "{more:?}: {done}");
            assert!(done.stderr.contains(&told), "{more:?}: {done}");
            assert!(
                !done.stderr.contains("will be") && !done.stderr.contains("created database"),
                "{done}"
            );
        }
    }
}

#[test]
fn missing_roles_fail_are_skipped_or_created_as_told() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("preflight_roles");
    let before = picture(&db);
    let file = script(
        "CREATE TABLE public.t (a int);\nALTER TABLE public.t OWNER TO \"the \"\"owner\";\nCOPY public.t (a) FROM stdin;\n1\n\\.\n\
         GRANT SELECT ON TABLE public.t TO reader;\n",
    );
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("roles the \"owner") && done.stderr.contains("--missing-roles"),
        "{done}"
    );
    assert_eq!(picture(&db), before);

    restore_with(&db, file.path(), &["--missing-roles", "skip"]).ok();
    assert_eq!(
        db.query_text(
            "SELECT tableowner, relacl FROM pg_tables, pg_class WHERE tablename = 't' AND relname = 't'"
        ),
        "postgres|"
    );
    db.execute("DROP TABLE public.t");

    restore_with(&db, file.path(), &["--missing-roles", "create"]).ok();
    assert_eq!(
        db.query_text("SELECT tableowner FROM pg_tables WHERE tablename = 't'"),
        "the \"owner"
    );
    assert_eq!(
        db.query_text("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'"),
        "f"
    );
    db.execute("DROP TABLE public.t; DROP ROLE reader; DROP ROLE \"the \"\"owner\";");

    // A script that makes its roles itself needs none.
    let own = script(
        "CREATE ROLE reader;\nCREATE TABLE public.t (a int);\nGRANT SELECT ON TABLE public.t TO reader;\n",
    );
    restore(&db, own.path()).ok();
}

#[test]
fn a_database_that_takes_no_writes_is_told_before_anything_is_asked() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("preflight_writes");
    let file = script("CREATE TABLE t (a int);\n");
    db.execute(&format!(
        "CREATE ROLE nobody LOGIN; ALTER DATABASE {} SET default_transaction_read_only = on",
        db.name()
    ));
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("read only"), "{done}");
    cluster
        .postgres()
        .execute(&format!("ALTER DATABASE {} RESET ALL", db.name()));
    let uri = db.uri().replace("postgres@", "nobody@");
    let done = run(pgstow()
        .args(["restore", "--yes", "--dbname", &uri])
        .arg(file.path()));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("may create nothing"), "{done}");
}

#[test]
fn a_lock_table_too_small_is_told_beforehand_and_a_swap_needs_less_of_it() {
    let cluster = Cluster::start(
        support::newest(),
        &Setup {
            conf: "max_locks_per_transaction = 10\nmax_connections = 20\nmax_prepared_transactions = 0\n",
            ..Setup::default()
        },
    );
    let db = cluster.database("preflight_locks");
    db.execute(
        "SELECT format('CREATE TABLE t%s (a int PRIMARY KEY); INSERT INTO t%1$s VALUES (1);', i) \
         FROM generate_series(1, 150) i \\gexec",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    let target = cluster.database("preflight_locks_target");
    let done = restore(&target, &file);
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr
            .contains("max_locks_per_transaction to 64 or more (it is 10)")
            && done.stderr.contains("--swap"),
        "{done}"
    );
    // By several transactions of several connections.
    restore_with(&db, &file, &["--swap", "--jobs", "2"]).ok();
    assert_eq!(
        db.query_text("SELECT count(*) FROM pg_index WHERE indrelid >= 16384"),
        "150"
    );
}

#[test]
fn what_is_dropped_first_needs_locks_too() {
    let cluster = Cluster::start(
        support::newest(),
        &Setup {
            conf: "max_locks_per_transaction = 10\nmax_connections = 100\nmax_prepared_transactions = 0\n",
            ..Setup::default()
        },
    );
    let db = cluster.database("preflight_dropped");
    db.execute(
        "SELECT format('CREATE TABLE t%s (a int PRIMARY KEY, b text DEFAULT %L CHECK (b <> %L))', i, 'x', '') \
         FROM generate_series(1, 150) i \\gexec",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow()
        .args(["dump", "--clean", "--if-exists", "--dbname", &db.uri(), "-f"])
        .arg(&file))
    .ok();
    // There is room for what is made.
    restore(&cluster.database("preflight_dropped_nothing"), &file).ok();
    let before = picture(&db);
    let done = restore(&db, &file);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("drops and makes"), "{done}");
    assert_eq!(picture(&db), before);
}

#[test]
fn a_full_check_finds_damage_before_anything_is_done() {
    let server = support::server(support::newest());
    let db = server.database("preflight_check");
    db.execute("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 50000) i");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow()
        .args(["dump", "--clean", "--if-exists", "--dbname", &db.uri(), "-f"])
        .arg(&file))
    .ok();
    restore_with(&db, &file, &["--check"]).ok();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let done = restore_with(&db, &file, &["--check"]);
    assert_eq!(done.code, 4, "{done}");
    // Not even asked: what would be overwritten is not named.
    assert!(!done.stderr.contains("overwritten"), "{done}");
}

#[test]
fn other_sessions_and_an_encoding_with_fewer_letters_are_warned_of() {
    let server = support::server(support::newest());
    let db = server.database_with(
        "preflight_latin1",
        "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    let file = script("SET client_encoding = 'UTF8';\nCREATE TABLE t (a text);\n");
    let mut session = db
        .psql()
        .args(["-c", "SELECT pg_sleep(600)"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'";
    while db.query_text(there) == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let done = restore(&db, file.path()).ok();
    session.kill().unwrap();
    session.wait().unwrap();
    assert!(
        done.stderr.contains("1 other session") && done.stderr.contains("--swap"),
        "{done}"
    );
    assert!(
        done.stderr
            .contains("the script is in utf8, the database in LATIN1"),
        "{done}"
    );
    // What the server cannot turn into the database's encoding at all.
    let korean = script("SET client_encoding = 'JOHAB';\nCREATE TABLE u (a text);\n");
    let done = restore(&db, korean.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("cannot turn into"), "{done}");
}

#[test]
fn tablespaces_are_told_beforehand_and_made_outside_of_the_transaction() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("preflight_tablespaces");
    let place = cluster.socket_dir().join("space");
    let text = format!(
        "CREATE ROLE keeper;\nCREATE TABLESPACE fast OWNER keeper LOCATION '{}';\n",
        place.display()
    );
    db.execute(&format!("COPY (SELECT 1) TO PROGRAM 'mkdir {}'", place.display()));
    let file = script(&text);
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("makes or drops tablespaces") && done.stderr.contains("--create"),
        "{done}"
    );
    // From a pipe nothing is known beforehand, and nothing is kept.
    let done = super::restore_text(&db, text.as_bytes());
    assert_eq!(done.code, 3, "{done}");
    assert!(
        done.stderr.contains("line 2") && done.stderr.contains("--create"),
        "{done}"
    );
    let there = "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = 'keeper') \
        + (SELECT count(*) FROM pg_tablespace WHERE spcname = 'fast')";
    assert_eq!(db.query_text(there), "0");
    // One that fails leaves no tablespace.
    let broken = script(&format!("{text}SELECT nonsense;\n"));
    assert_eq!(restore_with(&db, broken.path(), &["--create"]).code, 3);
    let fast = "SELECT pg_get_userbyid(spcowner) FROM pg_tablespace WHERE spcname = 'fast'";
    assert_eq!(db.query_text(fast), "");
    db.execute("DROP ROLE keeper");
    restore_with(&db, file.path(), &["--create"]).ok();
    assert_eq!(db.query_text(fast), "keeper");
}

#[test]
fn what_can_be_read_once_is_restored_and_what_reads_twice_is_refused() {
    let server = support::server(support::newest());
    let db = server.database("preflight_pipe");
    let file = script("CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n\\.\n");
    // As `pgstow restore <(cat FILE)` has it.
    let program = pgstow().get_program().to_owned();
    let shell = |more: &str| {
        let command = format!(
            "'{}' restore --yes {more} --dbname '{}' <(cat '{}')",
            program.display(),
            db.uri(),
            file.path().display()
        );
        run(std::process::Command::new("bash").args(["-c", &command]))
    };
    shell("").ok();
    assert_eq!(db.query_text("SELECT a FROM t"), "1");
    for option in ["--check", "--swap", "--list"] {
        let done = shell(option);
        assert_eq!(done.code, 2, "{option}: {done}");
        assert!(
            done.stderr.contains(option) && done.stderr.contains("cannot come from a pipe"),
            "{done}"
        );
        let done = run(pgstow().args(["restore", "--yes", option, "--dbname", &db.uri(), "-"]));
        assert_eq!(done.code, 2, "{option}: {done}");
        assert!(done.stderr.contains("cannot come from standard input"), "{done}");
    }
}
