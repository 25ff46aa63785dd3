//! Bad days: what is away, wrong, forbidden, full or killed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::time::Instant;

use super::{Store, name, signal, small, start, wait_until};
use crate::support::{self, Cluster, Done, Setup};

/// Rows enough for a COPY that can be interrupted: some 25 MB that hardly compress.
const LARGE: &str = "CREATE TABLE large (a text);
    INSERT INTO large SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 8000) i,
    generate_series(1, 100) j GROUP BY i;";

/// Runs a backup that must fail, with some text in its error, leaving no file at all.
#[track_caller]
fn refused(store: &Store, command: &mut Command, texts: &[&str]) -> Done {
    let done = support::run(command);
    assert_eq!(done.code, 1, "{done}");
    for text in texts {
        assert!(done.stderr.contains(text), "{text:?} is missing: {done}");
    }
    assert!(!done.stderr.contains("successfully"), "{done}");
    assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
    done
}

#[test]
fn no_server_is_told_with_its_address() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("PGPORT", "1"),
        &["127.0.0.1:1", "refused"],
    );
}

#[test]
fn a_wrong_password_is_told_with_the_role() {
    let hba = "local all all trust\nhost all all all scram-sha-256\n";
    let server = Cluster::start(
        support::newest(),
        &Setup {
            hba: Some(hba),
            ..Setup::default()
        },
    );
    let db = server.postgres();
    db.execute("CREATE ROLE app LOGIN PASSWORD 'right'");
    let store = Store::new();
    let command = |password| {
        let mut command = store.pgstow(&db, &["backup"]);
        command.envs([("PGUSER", "app"), ("PGPASSWORD", password)]);
        command
    };
    let done = refused(&store, &mut command("very wrong"), &["password", "app"]);
    assert!(
        !done.stderr.contains("very wrong"),
        "the password is in the log: {done}"
    );
    support::run(&mut command("right")).ok();
}

#[test]
fn a_missing_database_is_told_by_name() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    refused(
        &store,
        &mut store.pgstow(&db, &["backup", "--dbname", "no_such_db"]),
        &["no_such_db", "does not exist"],
    );
}

#[test]
fn a_table_that_may_not_be_read_fails_the_backup_and_is_named() {
    let db = small(support::server(support::newest()));
    let role = format!("{}_reader", db.name());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; CREATE TABLE secret_things (a int);
         GRANT SELECT ON users TO {role};"
    ));
    let store = Store::new();
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("PGUSER", &role),
        &["secret_things", "permission denied"],
    );
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_missing_backup_directory_is_told_and_not_made() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let missing = store.0.path().join("not mounted");
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("BACKUP_DIR", &missing),
        &["not mounted does not exist", "hint: Create it"],
    );
    assert!(!missing.exists());
}

#[test]
fn a_server_that_dies_during_copy_leaves_no_file() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = server.database("large");
    db.execute(LARGE);
    let store = Store::new();
    let child = start(&mut store.pgstow(&db, &["backup"]));
    wait_until("rows are written", || {
        store.unfinished().is_some_and(|size| size > 1 << 20)
    });
    server.crash();
    let done = child.done();
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("[ERROR] "), "{done}");
    assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
}

#[test]
fn ctrl_c_and_sigterm_during_copy_leave_no_file_and_no_session() {
    use rustix::process::Signal;
    let server = support::server(support::newest());
    let db = server.database("large");
    db.execute(LARGE);
    for (number, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let store = Store::new();
        let child = start(store.pgstow(&db, &["backup"]).env("PGAPPNAME", "interrupted"));
        wait_until("rows are written", || {
            store.unfinished().is_some_and(|size| size > 1 << 20)
        });
        let began = Instant::now();
        signal(&child, number);
        let done = child.done();
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "it took {:?}",
            began.elapsed()
        );
        assert_eq!(done.code, code, "{done}");
        assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'interrupted'";
        wait_until("its sessions end", || {
            server.postgres().query_text(sessions) == "0"
        });
    }
}

#[test]
fn a_killed_run_leaves_nothing_that_looks_finished_and_the_next_one_tidies_up() {
    let server = support::server(support::newest());
    let db = server.database("large");
    db.execute(LARGE);
    let store = Store::new();
    let mut child = start(&mut store.pgstow(&db, &["backup"]));
    wait_until("rows are written", || {
        store.unfinished().is_some_and(|size| size > 1 << 20)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        store.files().iter().all(|f| name(f).starts_with('.')),
        "{:?}",
        store.files()
    );
    let done = store.backup(&db).ok();
    assert!(
        done.stderr
            .contains("[WARN] removed what a killed run had left unfinished"),
        "{done}"
    );
    assert_eq!(store.daily().len(), 1, "{done}");
}

#[test]
fn a_daemon_killed_at_any_moment_loses_no_backup_and_leaves_none_that_is_not_whole() {
    let db = small(support::server(support::newest()));
    db.execute("CREATE TABLE plenty AS SELECT i, md5(i::text) FROM generate_series(1, 50000) i");
    let store = Store::new();
    let began = Instant::now();
    store.backup(&db).ok();
    let usual = began.elapsed();
    let mut whole = 1;
    for cycle in 0..24 {
        let mut child = start(&mut store.pgstow(&db, &["schedule"]));
        // From before it connects until after it has finished.
        std::thread::sleep(usual * cycle / 16);
        child.kill().unwrap();
        child.wait().unwrap();
        let finished: Vec<_> = store
            .daily()
            .into_iter()
            .filter(|f| !name(f).starts_with('.'))
            .collect();
        assert!(
            finished.len() >= whole,
            "cycle {cycle}: a finished backup is gone"
        );
        whole = finished.len();
        let list = support::run(&mut store.pgstow(&db, &["list", "--json"])).ok();
        assert_eq!(
            list.stdout.matches("\"verified\"").count(),
            store_entries(&list),
            "{list}"
        );
    }
    for file in store.daily().iter().filter(|f| !name(f).starts_with('.')) {
        support::run(store.pgstow(&db, &["verify"]).arg(file)).ok();
    }
    store.backup(&db).ok();
    assert!(
        store.files().iter().all(|f| !name(f).ends_with("-tmp")),
        "{:?}",
        store.files()
    );
}

fn store_entries(list: &Done) -> usize {
    let json: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    json.as_array().unwrap().len()
}

#[test]
fn an_output_that_is_full_is_told_by_its_name() {
    let db = small(support::server(support::newest()));
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let dump = |args: &[&str]| {
        let mut command = support::pgstow();
        db.env(&mut command).arg("dump").args(args);
        Done::of(command.stdout(full()).stderr(Stdio::piped()).spawn().unwrap())
    };
    for (args, name) in [
        (&[][..], "standard output"),
        (&["--file", "/dev/full"], "/dev/full"),
    ] {
        let done = dump(args);
        assert_eq!(done.code, 1, "{done}");
        let told = format!("[ERROR] {name}: cannot write: No space left on device");
        assert!(done.stderr.contains(&told), "{done}");
    }
}
