//! The weekly copy, whatever day it is today.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use pgstow::backup::{self, Destination, Finished, Job};
use pgstow::connect::{Environment, Settings};
use pgstow::event::{Observer, Silent};
use pgstow::store::offsite::{Check, Offsite};
use tokio_util::sync::CancellationToken;

use super::{Store, name, small};
use crate::support::{self, Db};

/// Backs up as the command does, at a time of the clock.
fn backup_at(clock: fn() -> DateTime<Utc>, store: &Store, db: &Db) -> Finished {
    let settings = Settings::resolve(Some(&db.uri())).unwrap();
    let job = Job {
        zone: chrono_tz::Europe::Berlin,
        clock,
        ..Job::new(settings, store.0.path())
    };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(backup::run(&job, &observer, &CancellationToken::new()))
        .unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_weekly_copy_that_cannot_be_made_is_a_warning_and_the_backup_stands() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let in_the_way = store
        .0
        .path()
        .join(format!("weekly/{}_week_2026-11-22.sql.gz", db.name()));
    std::fs::create_dir_all(&in_the_way).unwrap();
    let made = backup_at(|| utc("2026-11-22T03:00:00Z"), &store, &db);
    assert!(made.path.is_file() && made.weekly.is_empty());
    let [warning] = &made.warnings[..] else {
        panic!("{:?}", made.warnings)
    };
    assert!(
        warning.starts_with("the backup stands, but it could not be copied weekly: "),
        "{warning}"
    );
    let journal = std::fs::read_to_string(store.0.path().join(".pgstow-runs.json")).unwrap();
    assert!(
        journal.contains("succeeded") && journal.contains("copied weekly"),
        "{journal}"
    );

    // The runs of the next week make up for it, as soon as that can be done, and once.
    let monday = backup_at(|| utc("2026-11-23T03:00:00Z"), &store, &db);
    let [warning] = &monday.warnings[..] else {
        panic!("{:?}", monday.warnings)
    };
    let told = "the backup stands, but an earlier week's copy could not be made: ";
    assert!(warning.starts_with(told), "{warning}");
    std::fs::remove_dir(&in_the_way).unwrap();
    let tuesday = backup_at(|| utc("2026-11-24T03:00:00Z"), &store, &db);
    assert_eq!(
        (&tuesday.weekly[..], &tuesday.warnings[..]),
        (&[in_the_way.clone()][..], &[][..])
    );
    let inode = |path: &std::path::Path| std::fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&in_the_way), inode(&made.path), "Sunday's");
    let wednesday = backup_at(|| utc("2026-11-25T03:00:00Z"), &store, &db);
    assert_eq!(wednesday.weekly, [] as [PathBuf; 0]);
}

#[test]
fn a_weekly_copy_that_is_missing_off_this_machine_is_made_there_by_the_next_direct_backup() {
    let db = small(support::server(support::newest()));
    let place = tempfile::tempdir().unwrap();
    let address = format!("file://{}", place.path().display());
    let offsite = Offsite::open(&address.parse().unwrap(), &Environment::new::<String, String>([])).unwrap();
    let destination = Destination {
        offsite,
        recipients: Arc::default(),
        check: Check::Read,
    };
    let backup_at = |clock: fn() -> DateTime<Utc>| {
        let job = Job {
            clock,
            ..Job::new(Settings::resolve(Some(&db.uri())).unwrap(), "/nowhere")
        };
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let cancel = CancellationToken::new();
        let run = backup::run_direct(&job, &destination, &observer, &cancel);
        tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap()
    };
    let week = format!("weekly/{}_week_2026-11-22.sql.gz", db.name());
    let sunday = backup_at(|| utc("2026-11-22T03:00:00Z"));
    assert_eq!(sunday.weekly, [PathBuf::from(format!("{address}/{week}"))]);
    let saturday_s = place
        .path()
        .join(format!("daily/{}_2026-11-21_03-00-00.sql.gz", db.name()));
    std::fs::write(saturday_s, "cut off").unwrap();
    let monday = backup_at(|| utc("2026-11-23T03:00:00Z"));
    assert_eq!(monday.weekly, [] as [PathBuf; 0]);
    let copy = place.path().join(&week);
    let bytes = std::fs::read(&copy).unwrap();
    std::fs::remove_file(&copy).unwrap();
    let tuesday = backup_at(|| utc("2026-11-24T03:00:00Z"));
    assert_eq!(
        (&tuesday.weekly, &tuesday.warnings[..]),
        (&sunday.weekly, &[][..])
    );
    assert!(std::fs::read(&copy).unwrap() == bytes);
}

#[test]
fn the_seventh_day_of_the_week_also_leaves_a_weekly_copy_that_restores() {
    let server = support::server(support::newest());
    let db = small(server);
    let store = Store::new();
    let names = |store: &Store| -> Vec<String> { store.files().iter().map(|f| name(f)).collect() };

    // In Berlin the day begins an hour before that of UTC: both are Sunday there, neither Saturday nor Monday.
    let first = backup_at(|| utc("2026-11-21T23:00:00Z"), &store, &db);
    assert_eq!(
        name(&first.path),
        format!("{}_2026-11-22_00-00-00.sql.gz", db.name())
    );
    let week = format!("{}_week_2026-11-22.sql.gz", db.name());
    let [copy] = &first.weekly[..] else {
        panic!("{:?}", first.weekly)
    };
    assert_eq!(name(copy), week);
    let inode = |path: &std::path::Path| std::fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&first.path), inode(copy));

    db.execute("INSERT INTO users VALUES (3, 'later')");
    let second = backup_at(|| utc("2026-11-22T22:59:59Z"), &store, &db);
    assert_eq!(
        second.weekly, first.weekly,
        "the later backup of the day replaces the weekly copy"
    );
    let monday = backup_at(|| utc("2026-11-22T23:00:00Z"), &store, &db);
    assert_eq!(monday.weekly, [] as [PathBuf; 0]);
    let saturday = backup_at(|| utc("2026-11-28T22:59:59Z"), &store, &db);
    assert_eq!(saturday.weekly, [] as [PathBuf; 0]);
    assert_eq!(
        names(&store).iter().filter(|n| n.contains("_week_")).count(),
        1,
        "{:?}",
        names(&store)
    );

    let copy = server.database("weekly_copy");
    let mut restore = support::pgstow();
    copy.env(&mut restore)
        .args(["restore", "--yes"])
        .args(&second.weekly);
    support::run(&mut restore).ok();
    assert_eq!(copy.query_text("SELECT count(*) FROM users"), "3");

    // Weeks later the daily files of that time are gone; the weekly one is still there, then not any more. The next week
    // had no backup on Sunday, and so no copy.
    backup_at(|| utc("2026-12-20T03:00:00Z"), &store, &db);
    assert_eq!(
        names(&store),
        [
            format!("{}_2026-12-20_04-00-00.sql.gz", db.name()),
            week,
            format!("{}_week_2026-12-20.sql.gz", db.name()),
        ]
    );
    let later = backup_at(|| utc("2026-12-21T03:00:00Z"), &store, &db);
    assert_eq!(later.rotated.len(), 1, "{:?}", later.rotated);
    assert!(
        store
            .files()
            .iter()
            .all(|f| !name(f).contains("_week_2026-11-22"))
    );
}
