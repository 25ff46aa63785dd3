//! The state of the backups at a glance: gathered from the store, then told as health, as Prometheus metrics and as a
//! page. Gathering reads the disk; the telling is pure.

mod metrics;
mod page;
mod serve;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::daemon::Moment;
use crate::Result;
use crate::store::health::ailment;
use crate::store::journal::{Outcome, Run};
use crate::store::name::{Tier, subject};
use crate::store::retention::Rules;
use crate::store::{Judged, State, Store, Tested};

pub use serve::serve;

/// What is looked at, and how it is judged.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The store's directory.
    pub directory: PathBuf,
    /// The time zone of the times in file names.
    pub zone: Tz,
    /// The databases that must have backups; those that have some come anyway.
    pub expected: Vec<String>,
    /// How long backups are kept.
    pub rules: Rules,
    /// How old the newest verified backup may be.
    pub max_age: TimeDelta,
}

/// Everything there is to tell, at one moment.
#[derive(Debug)]
struct Status {
    now: DateTime<Utc>,
    zone: Tz,
    next: Option<DateTime<Utc>>,
    running: bool,
    databases: Vec<Database>,
    backups: Vec<Judged>,
    /// Newest first.
    runs: Vec<Run>,
}

/// The state of one database's backups.
#[derive(Debug)]
struct Database {
    name: String,
    ailment: Option<String>,
    newest: Option<Newest>,
    last: Option<Run>,
    /// The last test restore.
    tested: Option<Tested>,
    /// Runs that failed since the last that succeeded.
    failures: usize,
    /// Time and size of its daily backups, oldest first.
    sizes: Vec<(NaiveDateTime, u64)>,
}

/// The newest verified backup.
#[derive(Debug)]
struct Newest {
    time: DateTime<Utc>,
    bytes: u64,
    rows: u64,
}

impl Status {
    fn gather(scope: &Scope, moment: &Moment) -> Result<Status> {
        let store = Store::open(&scope.directory)?;
        let now = Utc::now();
        let local = now.with_timezone(&scope.zone).naive_local();
        let backups = store.judge(&scope.rules, local)?;
        let runs: Vec<Run> = store.runs().into_iter().rev().collect();
        let mut names: Vec<String> = scope.expected.clone();
        names.extend(backups.iter().map(|b| b.entry.name.database.clone()));
        names.sort();
        names.dedup();
        let mut tests = store.tests();
        let databases = names
            .into_iter()
            .map(|name| {
                let tested = tests.remove(&name);
                Database::of(name, tested, &backups, &runs, scope, local)
            })
            .collect();
        Ok(Status {
            now,
            zone: scope.zone,
            next: moment.next,
            running: moment.running,
            databases,
            backups,
            runs,
        })
    }

    /// What is wrong; nothing for good health.
    fn ailments(&self) -> Vec<String> {
        let ill = self.databases.iter();
        let mut list: Vec<String> = ill
            .filter_map(|db| Some(format!("{}: {}", subject(&db.name), db.ailment.as_ref()?)))
            .collect();
        if self.databases.is_empty() {
            list.push("there are no backups".into());
        }
        list
    }
}

impl Database {
    fn of(
        name: String,
        tested: Option<Tested>,
        backups: &[Judged],
        runs: &[Run],
        scope: &Scope,
        now: NaiveDateTime,
    ) -> Database {
        let mut mine: Vec<&Judged> = backups
            .iter()
            .filter(|b| b.entry.name.database == name && !b.entry.name.is_ahead(now))
            .collect();
        mine.sort_by_key(|b| (b.entry.name.time, b.entry.name.tier));
        let newest = mine.iter().rev().find(|b| b.verified);
        let time = newest.map(|b| b.entry.name.time);
        let mut runs = runs.iter().filter(|run| run.database == name);
        let last = runs.clone().next().cloned();
        let failures = runs
            .by_ref()
            .take_while(|run| matches!(run.outcome, Outcome::Failed { .. }));
        Database {
            tested,
            failures: failures.count(),
            ailment: ailment(time, last.as_ref(), now, scope.max_age),
            newest: newest.map(|b| Newest {
                time: utc(b.entry.name.time, scope.zone),
                bytes: b.entry.bytes,
                rows: match b.entry.state() {
                    State::Whole(index) => index.rows(),
                    _ => 0,
                },
            }),
            sizes: mine
                .iter()
                .filter(|b| b.entry.name.tier == Tier::Daily)
                .map(|b| (b.entry.name.time, b.entry.bytes))
                .collect(),
            last,
            name,
        }
    }
}

/// A local time as an instant. In the hour that a clock strikes twice, the later one; a time that the clock left out is
/// taken for one in UTC, which is wrong by hours once a year and harms nobody.
pub fn utc(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let time = zone.from_local_datetime(&local).latest();
    time.map_or_else(|| local.and_utc(), |time| time.with_timezone(&Utc))
}
