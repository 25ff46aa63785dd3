//! What stands in the way when a database takes another one's name: sessions, prepared transactions, no other database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{self, Cluster, Db, Setup, Started, pgstow, run, signal, start, wait_until};

fn dump(db: &Db, dir: &Path) -> PathBuf {
    let file = dir.join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    file
}

fn swap(uri: &str, file: &Path) -> Command {
    let mut command = pgstow();
    command.args(["restore", "--swap", "--yes", "--jobs", "2", "--dbname", uri]);
    command.arg(file).stdin(Stdio::null());
    command
}

/// Somebody who stays in the database.
fn sitting<'c>(cluster: &'c Cluster, dbname: &str, user: &str) -> (Started, impl Fn() -> bool + use<'c>) {
    let mut psql = support::psql();
    cluster.env(&mut psql, dbname).env("PGUSER", user);
    let name = format!("sitting {user}");
    psql.env("PGAPPNAME", &name).args(["-c", "SELECT pg_sleep(600)"]);
    let session = start(psql.stdin(Stdio::null()));
    let sits = move || {
        let query = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
        cluster.postgres().query_text(&query) == "1"
    };
    wait_until("the session is there", &sits);
    (session, sits)
}

/// Names that begin with this one.
fn databases(cluster: &Cluster, name: &str) -> String {
    cluster.postgres().query_text(&format!(
        "SELECT string_agg(regexp_replace(datname, '_\\d+_\\d+$', ''), ' ' ORDER BY datname) \
         FROM pg_database WHERE datname LIKE '{name}%'"
    ))
}

#[test]
fn an_owner_who_is_no_superuser_ends_his_own_sessions_and_is_told_of_those_he_may_not_end() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let postgres = cluster.postgres();
    postgres.execute("CREATE ROLE keeper LOGIN CREATEDB; CREATE DATABASE app OWNER keeper");
    let uri = cluster.uri("app").replace("postgres@", "keeper@");
    let app = || {
        let mut psql = support::psql();
        cluster.env(&mut psql, "app").env("PGUSER", "keeper");
        psql
    };
    run(app().args(["-c", "CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i"])).ok();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &uri, "-f"]).arg(&file)).ok();

    // A superuser's session stays: nobody is ended, and nothing is left behind.
    let (superuser, _) = sitting(&cluster, "app", "postgres");
    let (own, own_sits) = sitting(&cluster, "app", "keeper");
    let done = run(&mut swap(&uri, &file));
    assert_eq!(done.code, 1, "{done}");
    let told =
        "sessions in database \"app\" that this role may not end: role \"postgres\", \"sitting postgres\"";
    let (warning, error) = done.stderr.split_once("[ERROR]").unwrap();
    assert!(warning.contains(told) && error.contains(told), "{done}");
    assert!(own_sits(), "a session was ended for nothing: {done}");
    assert_eq!(databases(&cluster, "app"), "app");

    // Ctrl-C while it waits for it to leave.
    let waiting = start(&mut swap(&uri, &file));
    let looks = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres' AND application_name = 'pgstow' \
        AND EXISTS (SELECT FROM pg_database WHERE datname LIKE 'app_restore%')";
    wait_until("the restore waits", || postgres.query_text(looks) == "1");
    let began = Instant::now();
    signal(&waiting, Signal::INT);
    let done = waiting.done();
    assert_eq!(done.code, 130, "{done}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        began.elapsed()
    );
    assert_eq!(databases(&cluster, "app"), "app");

    // It leaves: his own sessions are ended, and the names exchanged.
    drop(superuser);
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sitting postgres'",
    );
    run(&mut swap(&uri, &file)).ok();
    assert!(!own_sits());
    drop(own);
    assert_eq!(databases(&cluster, "app"), "app app_before");
}

#[test]
fn a_prepared_transaction_is_told_before_anybody_is_disturbed() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database_named("app");
    db.execute("CREATE TABLE t AS SELECT 1 AS a");
    let dir = tempfile::tempdir().unwrap();
    let file = dump(&db, dir.path());
    db.execute("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'the first'");
    let (_session, sits) = sitting(&cluster, "app", "postgres");
    let began = Instant::now();
    let done = run(&mut swap(&db.uri(), &file));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("1 prepared transaction (\"the first\")")
            && done.stderr.contains("ROLLBACK PREPARED"),
        "{done}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        began.elapsed()
    );
    assert!(sits(), "a session was ended for nothing");
    assert_eq!(databases(&cluster, "app"), "app");
    db.execute("ROLLBACK PREPARED 'the first'");
    run(&mut swap(&db.uri(), &file)).ok();
}

#[test]
fn the_maintenance_database_itself_is_exchanged_from_another_one() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let postgres = cluster.postgres();
    postgres.execute("CREATE TABLE t AS SELECT 1 AS a");
    let dir = tempfile::tempdir().unwrap();
    let file = dump(&postgres, dir.path());
    postgres.execute("DROP TABLE t");
    run(&mut swap(&postgres.uri(), &file)).ok();
    assert_eq!(postgres.query_text("SELECT a FROM t"), "1");
    // Names tell seconds apart.
    std::thread::sleep(Duration::from_millis(1100));
    // By any other database, if it must be.
    postgres.execute(
        "UPDATE pg_database SET datistemplate = false WHERE datname = 'template1';
         ALTER DATABASE template1 WITH ALLOW_CONNECTIONS false; DROP TABLE t",
    );
    run(&mut swap(&postgres.uri(), &file)).ok();
    assert_eq!(postgres.query_text("SELECT a FROM t"), "1");
    // There is none: that is told before anything is made.
    postgres.execute(
        "SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE 'postgres\\_%' \\gexec",
    );
    let done = run(&mut swap(&postgres.uri(), &file));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr
            .contains("there is none but \"postgres\" that can be connected to"),
        "{done}"
    );
    assert!(!done.stderr.contains("created database"), "{done}");
}

#[test]
fn who_may_use_the_live_database_and_not_the_new_one_is_told() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database_named("app");
    db.execute(
        "CREATE ROLE app; CREATE ROLE reader; CREATE ROLE stranger; CREATE TABLE t (a int); ALTER TABLE t OWNER TO app;
         CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO reader",
    );
    let dir = tempfile::tempdir().unwrap();
    let store = |more: &[&str]| {
        let file = dir.path().join("y.sql.gz");
        run(pgstow()
            .args(["dump", "--dbname", &db.uri(), "-f"])
            .arg(&file)
            .args(more))
        .ok();
        file
    };
    let lost = "belongs to or may be used by ";
    let bare = store(&["--no-owner", "--no-privileges"]);
    let done = run(&mut swap(&db.uri(), &bare)).ok();
    assert!(
        done.stderr
            .contains(&format!("{lost}\"app\", \"reader\", to whom")),
        "{done}"
    );
    db.execute("ALTER TABLE t OWNER TO app; GRANT USAGE ON SCHEMA s TO reader");
    std::fs::remove_file(&bare).unwrap();
    let whole = store(&[]);
    std::thread::sleep(Duration::from_millis(1100));
    let done = run(&mut swap(&db.uri(), &whole)).ok();
    assert!(!done.stderr.contains(lost), "{done}");
}

#[test]
fn a_new_database_has_the_live_one_s_provider_of_locales_and_not_its_template_s() {
    if support::newest() < 17 {
        return;
    }
    let cluster = Cluster::start(
        support::newest(),
        &Setup {
            initdb: &["--locale-provider=builtin", "--locale=C.UTF-8"],
            ..Setup::default()
        },
    );
    let db = cluster.database_with("provider", "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'");
    let dir = tempfile::tempdir().unwrap();
    let file = dump(&db, dir.path());
    let copy = format!("{}_copy", db.name());
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri(), "--target-db", &copy])
        .arg(&file))
    .ok();
    let of = |name: &str| {
        db.query_text(&format!(
            "SELECT datlocprovider, datcollate, datlocale FROM pg_database WHERE datname = '{name}'"
        ))
    };
    assert_eq!((of(db.name()).as_str(), of(&copy)), ("c|C|", of(db.name())));
    cluster.postgres().execute(&format!("DROP DATABASE {copy}"));
}
