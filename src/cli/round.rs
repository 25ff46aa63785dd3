//! One run over all databases: each gets its turn whatever becomes of the others, everyone concerned is told, and what
//! failed is remembered for the next try.

use std::path::Path;

use chrono::TimeDelta;

use super::databases::Databases;
use super::notify::Notify;
use super::outcome::Outcome;
use super::{Context, log, print, print_json};
use crate::backup::{self, Destination, Job};
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
    pub(super) json: Json,
}

/// Whether and how what came of each turn is printed for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Json {
    No,
    /// One array, at the end of the run.
    Array,
    /// An object a line, as each turn ends: a daemon has no end.
    Lines,
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
        let mut outcomes = Vec::new();
        let result = self.take_turns(&turns, rest, &mut outcomes, context).await;
        let printed = match self.json {
            Json::Array => print_json(&outcomes.into()),
            Json::No | Json::Lines => Ok(()),
        };
        result.and(printed)
    }

    /// Lets each have its turn, and keeps what came of it in `outcomes` for the end.
    async fn take_turns(
        &self,
        turns: &[Turn],
        rest: &mut Rest,
        outcomes: &mut Vec<serde_json::Value>,
        context: &Context,
    ) -> Result<()> {
        let mut failures: Vec<(String, Error)> = Vec::new();
        for turn in turns {
            let job = self.job_for(turn);
            let outcome = self.once(&job, turn.owed, context).await;
            for line in outcome.lines(&job) {
                context.observer.event(Event::Info(line));
            }
            if let Some(e) = &outcome.error
                && e.kind() == Kind::Interrupted
            {
                return outcome.error.map_or(Ok(()), Err);
            }
            match self.json {
                Json::No => {}
                Json::Array => outcomes.push(outcome.json(&job)),
                Json::Lines => {
                    // Who reads it may go away; that must not end a daemon.
                    if let Err(e) = print(&format!("{}\n", outcome.json(&job))) {
                        context.observer.event(Event::Warning(e.to_string()));
                    }
                }
            }
            let Some(error) = outcome.error else {
                if let Some(backup) = &outcome.backup {
                    self.notify.succeeded(job.subject(), backup, context).await;
                }
                continue;
            };
            let owed = match (turn.owed, &outcome.backup) {
                (Owed::Backup, None) => Owed::Backup,
                _ => Owed::Sending,
            };
            rest.0.push(Turn { owed, ..turn.clone() });
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

    /// Makes one backup; or sends what stands.
    async fn once(&self, job: &Job, owed: Owed, context: &Context) -> Outcome {
        let (observer, cancel) = (&context.observer, &context.cancel);
        let mut outcome = Outcome::default();
        if owed == Owed::Sending {
            match backup::send_again(job, observer, cancel).await {
                Ok(moved) => outcome.moved = moved,
                Err(e) => outcome.error = Some(e),
            }
            return outcome;
        }
        let made = match &self.to {
            Some(place) => backup::run_direct(job, place, observer, cancel).await,
            None => backup::run(job, observer, cancel).await,
        };
        let mut backup = match made {
            Ok(backup) => backup,
            Err(e) => {
                outcome.error = Some(e);
                return outcome;
            }
        };
        match std::mem::replace(&mut backup.offsite, Ok(Vec::new())) {
            Ok(moved) => outcome.moved = moved,
            Err(e) => {
                let error = e.context("the backup stands in the store, but is not off this machine");
                outcome.error = Some(error);
            }
        }
        outcome.backup = Some(backup);
        outcome
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
