//! One run over all databases: each gets its turn whatever becomes of the others, everyone concerned is told, and what
//! failed is remembered for the next try.

use std::path::Path;

use chrono::TimeDelta;

use super::databases::Databases;
use super::notify::Notify;
use super::{Context, human, log};
use crate::backup::{self, Backup, Destination, Job, Moved};
use crate::error::Kind;
use crate::event::Event;
use crate::schedule::status::Scope;
use crate::{Error, Result};

/// What is to be done in one run: the same for each database.
pub(super) struct Round {
    pub(super) job: Job,
    pub(super) databases: Databases,
    pub(super) globals: bool,
    /// Where backups go instead of the store.
    pub(super) to: Option<Destination>,
    pub(super) notify: Notify,
}

/// A database's turn, or that of what belongs to the whole server.
#[derive(Debug, Clone)]
struct Turn {
    database: String,
    globals: bool,
    owed: Owed,
}

/// What a turn has still to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Backup,
    /// The backup stands, but not yet off this machine.
    Sending,
}

/// The turns that failed in a run.
#[derive(Debug, Default)]
pub(super) struct Rest(Vec<Turn>);

impl Round {
    /// Backs up each database. One that fails is told, and does not keep the others from their turn.
    pub(super) async fn run(&self, context: &Context) -> Result<()> {
        self.attempt(&mut Rest::default(), context).await
    }

    /// Does what is left of a run that failed, or where nothing is, a whole one. What is left then stands in `rest`.
    pub(super) async fn attempt(&self, rest: &mut Rest, context: &Context) -> Result<()> {
        self.notify.begin(context).await;
        let result = self.each(rest, context).await;
        let interrupted = result.as_ref().is_err_and(|e| e.kind() == Kind::Interrupted);
        if !interrupted {
            self.notify.end(result.as_ref().err(), context).await;
        }
        result
    }

    async fn each(&self, rest: &mut Rest, context: &Context) -> Result<()> {
        let turns = match std::mem::take(&mut rest.0) {
            left if left.is_empty() => self.all(context).await?,
            left => left,
        };
        let mut failures: Vec<(String, Error)> = Vec::new();
        for turn in &turns {
            let job = self.job_for(turn);
            let error = match self.once(&job, turn.owed, context).await {
                Ok(()) => continue,
                Err((_, e)) if e.kind() == Kind::Interrupted => return Err(e),
                Err((owed, e)) => {
                    rest.0.push(Turn { owed, ..turn.clone() });
                    e
                }
            };
            self.notify.failed(job.subject(), &error, context).await;
            if turns.len() == 1 {
                return Err(error);
            }
            let error = error.context(job.subject());
            log::error(&error);
            failures.push((job.subject().to_string(), error));
        }
        summary(&failures, turns.len())
    }

    /// The turns of a whole run.
    async fn all(&self, context: &Context) -> Result<Vec<Turn>> {
        let listing = self.databases.names(&self.job.settings);
        let names = context.until_cancelled(listing).await?;
        let turn = |database: String, globals| Turn {
            database,
            globals,
            owed: Owed::Backup,
        };
        // Any database will do to ask for globals; the first one is at least named by the user.
        let first = names.first().cloned().unwrap_or_else(|| "postgres".into());
        let mut turns: Vec<Turn> = names.into_iter().map(|name| turn(name, false)).collect();
        if self.globals {
            turns.push(turn(first, true));
        }
        Ok(turns)
    }

    fn job_for(&self, turn: &Turn) -> Job {
        Job {
            settings: self.job.settings.with_dbname(&turn.database),
            globals: turn.globals,
            ..self.job.clone()
        }
    }

    /// Makes one backup, and says so; or sends what stands.
    async fn once(&self, job: &Job, owed: Owed, context: &Context) -> Result<(), (Owed, Error)> {
        let (observer, cancel) = (&context.observer, &context.cancel);
        let say = |line: String| observer.event(Event::Info(line));
        if owed == Owed::Sending {
            let sent = backup::send_again(job, observer, cancel).await;
            sent.map_err(|e| (Owed::Sending, e))?
                .iter()
                .map(moved)
                .for_each(say);
            return Ok(());
        }
        let made = match &self.to {
            Some(place) => backup::run_direct(job, place, observer, cancel).await,
            None => backup::run(job, observer, cancel).await,
        };
        let backup = made.map_err(|e| (Owed::Backup, e))?;
        report(job, &backup).into_iter().for_each(say);
        match &backup.offsite {
            Ok(list) => list.iter().map(moved).for_each(say),
            Err(_) => {
                let Err(e) = backup.offsite else { return Ok(()) };
                let error = e.context("the backup stands in the store, but is not off this machine");
                return Err((Owed::Sending, error));
            }
        }
        self.notify.succeeded(job.subject(), &backup, context).await;
        Ok(())
    }

    /// The store's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.job.directory
    }

    /// What a status is gathered from.
    pub(super) fn scope(&self, max_age: TimeDelta) -> Scope {
        Scope {
            directory: self.job.directory.clone(),
            zone: self.job.zone,
            expected: match &self.databases {
                Databases::Named(names) => names.clone(),
                Databases::All => Vec::new(),
            },
            rules: self.job.rules,
            max_age,
        }
    }

    /// The databases.
    pub(super) fn databases(&self) -> &Databases {
        &self.databases
    }
}

/// The error for those of `total` backups that failed, if any did; each has been told by then.
fn summary(failures: &[(String, Error)], total: usize) -> Result<()> {
    let Some((_, first)) = failures.first() else {
        return Ok(());
    };
    let same = failures.iter().all(|(_, e)| e.kind() == first.kind());
    let kind = if same { first.kind() } else { Kind::Failed };
    let names: Vec<&str> = failures.iter().map(|(name, _)| name.as_str()).collect();
    let text = format!("{} of {total} backups failed: {}", names.len(), names.join(", "));
    Err(Error::new(kind, text))
}

/// What is said of a finished backup. The last line is the one that alerts look for.
fn report(job: &Job, backup: &Backup) -> Vec<String> {
    let mut lines = vec![format!(
        "{} at {}: {} of {} in {}",
        job.subject(),
        job.settings.host_text(),
        human::number_of(backup.rows, "row"),
        human::number_of(backup.tables, "table"),
        human::duration(TimeDelta::from_std(backup.took).unwrap_or_default()),
    )];
    lines.push(format!("written to {}", backup.path.display()));
    if let Some(weekly) = &backup.weekly {
        lines.push(format!("weekly copy {}", weekly.display()));
    }
    for (file, why) in &backup.rotated {
        lines.push(format!("deleted {file} ({why})"));
    }
    lines.push(format!(
        "Backup created successfully: {}",
        human::bytes(backup.bytes)
    ));
    lines
}

/// What is said of something off this machine.
fn moved(moved: &Moved) -> String {
    match moved {
        Moved::Sent(address, bytes) => format!("sent to {address}, checked: {}", human::bytes(*bytes)),
        Moved::Deleted(address, why) => format!("deleted {address} ({why})"),
    }
}
