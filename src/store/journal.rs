//! The last runs, good and bad, as one small JSON file in the store: what `health` and the status page know beyond the
//! backups themselves. Losing it loses nothing but history.

use std::io::Write;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FILE_MODE, Pending, Store};
use crate::{Error, Result};

const NAME: &str = ".pgstow-runs.json";
/// Runs remembered.
const REMEMBERED: usize = 200;

/// One run of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The database.
    pub database: String,
    /// When it began.
    pub began: DateTime<Utc>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Why the backup could not be sent off this machine, if that was wanted and failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<String>,
    /// What went wrong once the backup stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// A verified backup.
    Succeeded {
        /// Its path below the store's root.
        file: String,
        /// Its size in bytes.
        bytes: u64,
        /// Rows in it.
        rows: u64,
    },
    /// None.
    Failed {
        /// Why.
        error: String,
    },
}

impl Store {
    /// The remembered runs, oldest first. None if there is no journal, or one that cannot be understood: it is no
    /// reason to fail a backup.
    pub fn runs(&self) -> Vec<Run> {
        std::fs::read(self.journal())
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// How long the run took that made this backup, in seconds, if it is remembered. `file` is its path below the root.
    pub fn seconds_of(&self, file: &str) -> Option<f64> {
        let made = |run: &Run| matches!(&run.outcome, Outcome::Succeeded { file: made, .. } if made == file);
        self.runs().into_iter().rfind(made).map(|run| run.seconds)
    }

    /// Remembers a run. To be called under the lock.
    pub fn remember(&self, run: Run) -> Result<()> {
        let mut runs = self.runs();
        runs.push(run);
        let forgotten = runs.len().saturating_sub(REMEMBERED);
        runs.drain(..forgotten);
        self.write_runs(&runs)
    }

    /// Remembers that a database's backups have all been sent. To be called under the lock.
    pub fn remember_sent(&self, database: &str) -> Result<()> {
        let mut runs = self.runs();
        for run in runs.iter_mut().filter(|run| run.database == database) {
            run.unsent = None;
        }
        self.write_runs(&runs)
    }

    fn write_runs(&self, runs: &[Run]) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(runs).map_err(|e| Error::failed("cannot write JSON").because(e))?;
        let pending = Pending::create(self.journal(), FILE_MODE)?;
        let written = pending.file().write_all(&text);
        written.map_err(|e| Error::io(format!("cannot write {}", self.journal().display()), e))?;
        pending.commit()
    }

    fn journal(&self) -> PathBuf {
        self.root().join(NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_are_remembered_and_older_ones_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.runs(), []);
        let run = |n: usize| Run {
            database: "app".into(),
            began: DateTime::from_timestamp(n as i64, 0).unwrap(),
            seconds: 1.5,
            outcome: match n % 2 {
                0 => Outcome::Failed { error: "no".into() },
                _ => Outcome::Succeeded {
                    file: format!("daily/{n}"),
                    bytes: 1,
                    rows: 2,
                },
            },
            unsent: (n % 4 == 1).then(|| "no route".into()),
            warnings: (n % 4 == 3).then(|| "no room".into()).into_iter().collect(),
        };
        for n in 0..REMEMBERED + 3 {
            store.remember(run(n)).unwrap();
        }
        let runs = store.runs();
        assert_eq!(runs.len(), REMEMBERED);
        assert_eq!(runs.first(), Some(&run(3)));
        assert_eq!(runs.last(), Some(&run(REMEMBERED + 2)));
        store.remember_sent("other").unwrap();
        assert_eq!(store.runs(), runs);
        assert_eq!(store.seconds_of("daily/7"), Some(1.5));
        assert_eq!(store.seconds_of("daily/1"), None);
        store.remember_sent("app").unwrap();
        assert!(store.runs().iter().all(|run| run.unsent.is_none()));
    }

    #[test]
    fn a_broken_journal_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        std::fs::write(dir.path().join(NAME), "{").unwrap();
        assert_eq!(store.runs(), []);
    }
}
