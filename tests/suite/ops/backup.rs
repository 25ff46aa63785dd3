//! One backup of one database.

use std::process::Command;
use std::time::Duration;

use chrono::{Datelike, NaiveDateTime, Utc, Weekday};

use super::{Store, name, small, start};
use crate::support::{self, Db};

#[test]
fn a_backup_has_the_old_script_s_name_and_log_line_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let before = Utc::now();
    let done = store.backup(&db).ok();
    assert!(
        done.stderr.contains("\n[INFO] Backup created successfully: "),
        "{done}"
    );
    let [file] = &store.daily()[..] else {
        panic!("{done}")
    };
    let stem = name(file);
    let time = stem
        .strip_prefix(&format!("{}_", db.name()))
        .unwrap()
        .strip_suffix(".sql.gz")
        .unwrap();
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d_%H-%M-%S")
        .unwrap()
        .and_utc();
    assert!((time - before).num_seconds().abs() < 60, "{stem}");
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let weekly = store.files().len() - 1;
    assert_eq!(weekly, usize::from(time.weekday() == Weekday::Sun));
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_end_a_backup() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = store.pgstow(&db, &["backup"]);
    let status = command.stderr(writer).status().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(store.daily().len(), 1);
}

#[test]
fn a_backup_is_listed_healthy_and_restores_by_psql() {
    let server = support::server(support::newest());
    let db = small(server);
    let store = Store::new();
    store.backup(&db).ok();
    let list = support::run(&mut store.pgstow(&db, &["list"])).ok();
    assert!(
        list.stdout.lines().nth(1).unwrap().ends_with("1     2  verified"),
        "{list}"
    );
    let inside = support::run(store.pgstow(&db, &["list"]).arg(&store.daily()[0])).ok();
    assert!(inside.stdout.contains("users"), "{inside}");
    support::run(&mut store.pgstow(&db, &["health"])).ok();

    let unpacked = support::run(Command::new("gunzip").arg("-c").arg(&store.daily()[0])).ok();
    let copy = server.database("copy");
    copy.execute(&unpacked.stdout);
    assert_eq!(copy.query_text("SELECT * FROM users ORDER BY 1"), "1|a\n2|");
}

#[test]
fn a_file_s_list_says_that_small_tables_share_their_part_of_it() {
    let db = small(support::server(support::newest()));
    let says = |db: &Db| {
        let store = Store::new();
        store.backup(db).ok();
        let list = support::run(store.pgstow(db, &["list"]).arg(&store.daily()[0])).ok();
        list.stdout.contains("small tables share")
    };
    assert!(!says(&db));
    db.execute("CREATE TABLE another AS SELECT 1 AS a");
    assert!(says(&db));
}

#[test]
fn owners_and_privileges_stay_out_unless_asked_for() {
    let db = small(support::server(support::newest()));
    db.execute("GRANT SELECT ON users TO PUBLIC");
    for (args, expected) in [(vec![], false), (vec!["--owners", "--privileges"], true)] {
        let store = Store::new();
        support::run(store.pgstow(&db, &["backup"]).args(args)).ok();
        let text = support::run(Command::new("gunzip").arg("-c").arg(&store.daily()[0]))
            .ok()
            .stdout;
        assert!(text.contains("DROP TABLE IF EXISTS public.users"), "{text}");
        assert_eq!(text.contains("OWNER TO"), expected, "{text}");
        assert_eq!(text.contains("GRANT"), expected, "{text}");
    }
}

#[test]
fn old_backups_go_only_after_a_good_one() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let old = first.with_file_name(format!("{}_2020-01-01_03-00-00.sql.gz", db.name()));
    std::fs::copy(&first, &old).unwrap();
    let failed = support::run(store.pgstow(&db, &["backup"]).env("PGPORT", "1"));
    assert_eq!(failed.code, 1, "{failed}");
    assert!(old.exists(), "a failed backup deleted an old one: {failed}");
    let done = store.backup(&db).ok();
    assert!(!old.exists() && first.exists(), "{done}");
    assert!(done.stderr.contains("days old, KEEP_DAILY=7"), "{done}");
}

#[test]
fn a_backup_dated_in_the_future_is_told_and_hides_no_other() {
    let server = support::server(support::newest());
    let db = small(server);
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let future = first.with_file_name(format!("{}_2099-01-01_03-00-00.sql.gz", db.name()));
    std::fs::copy(&first, &future).unwrap();
    let warned = |done: &support::Done| {
        let line = format!("left out of account and kept: daily/{}", name(&future));
        assert!(done.stderr.contains(&line), "{done}");
    };
    warned(&support::run(&mut store.pgstow(&db, &["list"])).ok());
    warned(&support::run(&mut store.pgstow(&db, &["health"])).ok());
    let doctor = support::run(&mut store.pgstow(&db, &["doctor"])).ok();
    assert!(doctor.stdout.contains("dated later than now"), "{doctor}");
    assert!(
        doctor.stdout.contains(&format!("daily/{} of", name(&first))),
        "{doctor}"
    );
    std::thread::sleep(Duration::from_millis(1100));
    db.execute("INSERT INTO users VALUES (3, 'later')");
    warned(&store.backup(&db).ok());
    assert!(future.exists());
    let copy = server.database("future_copy");
    let mut latest = store.pgstow(&copy, &["restore", "--yes", "latest", "--from", "store"]);
    // What is restored is found by the name of the database that it is restored into.
    for file in [&first, &future, store.daily().iter().nth_back(1).unwrap()] {
        let named = name(file).replacen(db.name(), copy.name(), 1);
        std::fs::copy(file, file.with_file_name(named)).unwrap();
    }
    let restored = support::run(&mut latest).ok();
    assert!(restored.stderr.contains("left out of account"), "{restored}");
    assert_eq!(copy.query_text("SELECT count(*) FROM users"), "3");

    // Alone it is no good health.
    for file in store.files() {
        if !name(&file).contains("_2099-") {
            std::fs::remove_file(file).unwrap();
        }
    }
    let ill = support::run(&mut store.pgstow(&db, &["health"]));
    assert_eq!(ill.code, 1, "{ill}");
    assert!(ill.stderr.contains("there is no verified backup"), "{ill}");
}

#[test]
fn a_backup_that_shrank_is_kept_and_nothing_is_deleted() {
    let server = support::server(support::newest());
    let db = small(server);
    db.execute("CREATE TABLE much AS SELECT md5(i::text) FROM generate_series(1, 20000) i");
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let old = ["2020-01-01", "2020-01-02"]
        .map(|day| first.with_file_name(format!("{}_{day}_03-00-00.sql.gz", db.name())));
    for old in &old {
        std::fs::copy(&first, old).unwrap();
    }
    db.execute("TRUNCATE much");
    let done = store.backup(&db).ok();
    assert!(done.stderr.contains("[WARN] the backup has "), "{done}");
    assert!(old.iter().all(|f| f.exists()), "{done}");
    assert_eq!(store.daily().len(), 4, "{done}");
}

#[test]
fn a_second_backup_into_the_same_store_waits_or_is_refused() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let lock = std::fs::File::create(store.0.path().join(".pgstow.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let done = store.backup(&db);
    assert_eq!(done.code, 5, "{done}");
    let child = start(&mut store.pgstow(&db, &["backup", "--lock-wait", "60s"]));
    std::thread::sleep(Duration::from_millis(200));
    drop(lock);
    child.done().ok();
    assert_eq!(store.daily().len(), 1);
}

#[test]
fn a_database_of_any_name_is_backed_up_under_a_file_name_that_says_it() {
    let server = support::server(support::newest());
    let db = server.database_named("odd/ \"name\" .. ü");
    let store = Store::new();
    store.backup(&db).ok();
    let file = name(&store.daily()[0]);
    assert!(file.starts_with("odd%2F%20%22name%22%20..%20%C3%BC_2"), "{file}");
    let list = support::run(&mut store.pgstow(&db, &["list"])).ok();
    assert!(list.stdout.contains(db.name()), "{list}");
}

#[test]
fn log_lines_can_be_json() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["backup"]).env("LOG_FORMAT", "json")).ok();
    let last: serde_json::Value = serde_json::from_str(done.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "INFO");
    assert!(
        last["message"]
            .as_str()
            .unwrap()
            .starts_with("Backup created successfully: "),
        "{done}"
    );
    let failed = support::run(
        store
            .pgstow(&db, &["backup"])
            .envs([("LOG_FORMAT", "json"), ("PGPORT", "1")]),
    );
    let last: serde_json::Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
}
