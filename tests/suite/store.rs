//! The store seen from the command line: what is listed, what is deleted, and what never is.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{TimeDelta, Utc};
use pgstow::archive::{Compression, FORMAT_VERSION, Header, Writer};

use crate::support::{self, Done};

/// A directory of backups.
struct Backups(tempfile::TempDir);

impl Backups {
    fn new() -> Backups {
        let backups = Backups(tempfile::tempdir().unwrap());
        for tier in ["daily", "weekly"] {
            std::fs::create_dir(backups.path().join(tier)).unwrap();
        }
        backups
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A verified backup of some days ago.
    fn daily(&self, database: &str, days: i64) -> PathBuf {
        let time = Utc::now() - TimeDelta::days(days);
        let name = format!("daily/{database}_{}.sql.gz", time.format("%Y-%m-%d_%H-%M-%S"));
        self.file(&name, &whole(database))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    }

    fn pgstow(&self, args: &[&str]) -> Command {
        let mut command = support::pgstow();
        command.env("BACKUP_DIR", self.path()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Done {
        support::run(&mut self.pgstow(args))
    }
}

/// The bytes of a backup without tables.
fn whole(database: &str) -> Vec<u8> {
    let header = Header {
        database: database.to_string(),
        format: FORMAT_VERSION,
        ..Header::default()
    };
    let writer = Writer::new(Vec::new(), Compression::default(), header, Vec::new());
    writer.finish().unwrap().0
}

#[test]
fn cleanup_deletes_what_is_too_old_and_says_why() {
    let backups = Backups::new();
    let [new, recent, old] = [0, 7, 9].map(|days| backups.daily("app", days));
    let done = backups.run(&["cleanup"]).ok();
    assert!(new.exists() && recent.exists() && !old.exists(), "{done}");
    let line = |file: &Path| {
        let name = file.file_name().unwrap().to_str().unwrap();
        done.stdout
            .lines()
            .find(|l| l.contains(name))
            .unwrap()
            .to_string()
    };
    assert!(
        line(&new).ends_with("kept     newest verified backup of its database"),
        "{done}"
    );
    assert!(
        line(&recent).ends_with("kept     7 days old, KEEP_DAILY=7"),
        "{done}"
    );
    assert!(
        line(&old).ends_with("deleted  9 days old, KEEP_DAILY=7"),
        "{done}"
    );
}

#[test]
fn a_dry_run_deletes_nothing() {
    let backups = Backups::new();
    let old = backups.daily("app", 9);
    backups.daily("app", 0);
    let done = backups.run(&["cleanup", "--dry-run"]).ok();
    assert!(done.stdout.contains("would delete  9 days old"), "{done}");
    assert!(old.exists());
}

#[test]
fn the_last_good_backup_is_never_deleted_for_newer_damaged_ones() {
    let backups = Backups::new();
    let good = backups.daily("app", 90);
    let older = backups.daily("app", 91);
    let bytes = whole("app");
    let time = Utc::now().format("%Y-%m-%d_%H-%M-%S");
    let cut = backups.file(&format!("daily/app_{time}.sql.gz"), &bytes[..bytes.len() - 1]);
    backups.run(&["cleanup"]).ok();
    assert!(good.exists() && cut.exists() && !older.exists());
}

#[test]
fn files_of_others_and_other_databases_are_left_alone() {
    let backups = Backups::new();
    backups.daily("app", 0);
    let others = [
        backups.daily("app_test", 90),
        backups.file("daily/app_2001-01-01.sql.gz", b"not a backup's name"),
        backups.file("daily/notes.txt", b"mine"),
        backups.file("app_2001-01-01_03-00-00.sql.gz", b"not in daily"),
    ];
    backups.run(&["cleanup"]).ok();
    for other in others {
        assert!(other.exists(), "{}", other.display());
    }
}

#[test]
fn list_tells_verified_backups_from_foreign_and_damaged_ones() {
    let backups = Backups::new();
    backups.daily("app", 0);
    let mut damaged = whole("app");
    let index = damaged.len() - 80;
    damaged[index] ^= 1;
    backups.file("daily/app_2026-01-02_03-00-00.sql.gz", &damaged);
    backups.file(
        "daily/app_2026-01-01_03-00-00.sql.gz",
        b"\x1f\x8b something of the old script",
    );
    let done = backups.run(&["list"]).ok();
    let states: Vec<&str> = done
        .stdout
        .lines()
        .filter_map(|line| {
            line.starts_with("daily/")
                .then(|| line.split_whitespace().last())?
        })
        .collect();
    assert_eq!(states, ["verified", "damaged", "unproven"], "{done}");
    let json: serde_json::Value =
        serde_json::from_str(&backups.run(&["list", "--json"]).ok().stdout).unwrap();
    assert_eq!(json[0]["state"], "verified");
    assert_eq!(json[0]["rows"], 0);
    assert!(json[1]["error"].as_str().unwrap().contains("hash"), "{json}");
}

#[test]
fn list_of_a_file_without_an_index_says_so() {
    let backups = Backups::new();
    backups.file(
        "daily/app_2026-01-01_03-00-00.sql.gz",
        b"\x1f\x8b something of the old script",
    );
    let done = backups.run(&["list", "app_2026-01-01_03-00-00.sql.gz"]);
    assert_eq!(done.code, 4, "{done}");
    assert!(done.stderr.contains("has no index at its end"), "{done}");
    let done = backups.run(&["list", "nothing.sql.gz"]);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("there is no file nothing.sql.gz"), "{done}");
}

#[test]
fn an_odd_time_zone_is_refused_where_it_matters_and_no_reason_not_to_verify() {
    let backups = Backups::new();
    let file = backups.daily("app", 0);
    let run = |args: &[&str]| support::run(backups.pgstow(args).env("TZ", "XYZ-1"));
    assert_eq!(run(&["list"]).code, 2);
    run(&["verify", file.to_str().unwrap()]).ok();
}

#[test]
fn a_store_in_use_by_another_run_is_left_alone() {
    let backups = Backups::new();
    let old = backups.daily("app", 9);
    backups.daily("app", 0);
    let lock = File::create(backups.path().join(".pgstow.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let done = backups.run(&["cleanup"]);
    assert_eq!(done.code, 5, "{done}");
    assert!(done.stderr.contains("the store is in use"), "{done}");
    assert!(old.exists());
    drop(lock);
    backups.run(&["cleanup"]).ok();
    assert!(!old.exists());
}

#[test]
fn a_directory_of_another_user_is_told_with_uid_and_mode() {
    let backups = Backups::new();
    let set_mode = |mode| std::fs::set_permissions(backups.path(), PermissionsExt::from_mode(mode)).unwrap();
    let mut command = backups.pgstow(&["cleanup"]);
    if rustix::process::getuid().is_root() {
        set_mode(0o755);
        command.uid(54_321).gid(54_321);
    } else {
        set_mode(0o500);
    }
    let done = support::run(&mut command);
    set_mode(0o700);
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("permission denied; it belongs to uid "),
        "{done}"
    );
    assert!(done.stderr.contains("with mode 0"), "{done}");
    assert!(done.stderr.contains("this process runs as uid "), "{done}");
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_before_anything_happens() {
    let backups = Backups::new();
    let old = backups.daily("app", 9);
    backups.daily("app", 0);
    for (name, value) in [
        ("KEEP_DAILY", "0"),
        ("KEEP_DAILY", "a week"),
        ("KEEP_WEEKLY", "-1"),
        ("TZ", "Middle/Earth"),
        ("LOCK_WAIT", "5"),
    ] {
        let done = support::run(backups.pgstow(&["cleanup"]).env(name, value));
        assert_eq!(done.code, 2, "{name}={value}: {done}");
        assert!(
            done.stderr.contains(value) && done.stderr.contains("expected"),
            "{name}={value}: {done}"
        );
    }
    assert!(old.exists());
    // Compose files pass variables that nobody set as empty ones.
    support::run(
        backups
            .pgstow(&["cleanup"])
            .envs([("KEEP_DAILY", ""), ("TZ", ""), ("LOCK_WAIT", "")]),
    )
    .ok();
    assert!(!old.exists());
}

#[test]
fn health_is_what_the_newest_verified_backup_says() {
    let backups = Backups::new();
    let health = |args: &[&str]| backups.run(&[&["health"], args].concat());
    assert!(health(&[]).stderr.contains("not healthy: no backups in"));
    backups.daily("app", 1);
    assert_eq!(health(&[]).ok().stdout, "healthy\n");
    let stale = health(&["--max-age", "23h"]);
    assert_eq!(stale.code, 1, "{stale}");
    assert!(
        stale
            .stderr
            .contains("app: the newest verified backup is 24 h old"),
        "{stale}"
    );
    let missing = health(&["--dbname", "other"]);
    assert!(
        missing.stderr.contains("other: there is no verified backup"),
        "{missing}"
    );
    let bytes = whole("app");
    backups.file("daily/half_2026-01-01_03-00-00.sql.gz", &bytes[..30]);
    let unverified = health(&[]);
    assert!(
        unverified.stderr.contains("half: there is no verified backup"),
        "{unverified}"
    );
}
