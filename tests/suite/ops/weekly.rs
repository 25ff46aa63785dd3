//! The weekly copy, whatever day it is today.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use pgstow::backup::{self, Finished, Job};
use pgstow::connect::Settings;
use pgstow::event::{Observer, Silent};
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
    assert!(made.path.is_file() && made.weekly.is_none());
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
}

#[test]
fn the_seventh_day_of_the_week_also_leaves_a_weekly_copy_that_restores() {
    use std::os::unix::fs::MetadataExt;
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
    assert_eq!(name(first.weekly.as_ref().unwrap()), week);
    let inode = |path: &std::path::Path| std::fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&first.path), inode(first.weekly.as_ref().unwrap()));

    db.execute("INSERT INTO users VALUES (3, 'later')");
    let second = backup_at(|| utc("2026-11-22T22:59:59Z"), &store, &db);
    assert_eq!(
        second.weekly, first.weekly,
        "the later backup of the day replaces the weekly copy"
    );
    let monday = backup_at(|| utc("2026-11-22T23:00:00Z"), &store, &db);
    assert_eq!(monday.weekly, None);
    let saturday = backup_at(|| utc("2026-11-28T22:59:59Z"), &store, &db);
    assert_eq!(saturday.weekly, None);
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
        .arg(second.weekly.unwrap());
    support::run(&mut restore).ok();
    assert_eq!(copy.query_text("SELECT count(*) FROM users"), "3");

    // Weeks later the daily files of that time are gone; the weekly one is still there, then not any more.
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
