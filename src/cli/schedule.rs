//! `pgstow schedule`: the daemon.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use super::health::max_age;
use super::round::{Json, Rest, Round};
use super::{Context, backup, log};
use crate::error::Kind;
use crate::event::Event;
use crate::schedule::next::ADJUSTMENT;
use crate::schedule::status::{serve, utc};
use crate::schedule::{Daemon, Schedule};
use crate::store::Store;
use crate::{Error, Result};

const DEFAULT: &str = "0 3 * * *";

/// Options of `schedule`: those of `backup`, and when.
#[derive(Debug, clap::Args)]
// Flattened options are a group of the same name, which would clash with `backup`'s.
#[group(skip)]
pub struct Args {
    /// When to back up: a cron expression (minute hour day month weekday), @daily, @every 6h, ...
    #[arg(long, value_name = "CRON", env = "SCHEDULE", default_value = DEFAULT, help_heading = "Schedule")]
    schedule: String,
    /// Whether to make a first backup at the start
    #[arg(
        long,
        value_name = "BOOL",
        env = "BACKUP_ON_START",
        default_value = "true",
        value_parser = yes,
        action = clap::ArgAction::Set,
        help_heading = "Schedule"
    )]
    backup_on_start: bool,
    /// Answer on this address, such as 0.0.0.0:8080: /healthz, /metrics (Prometheus), / (a page)
    #[arg(long, value_name = "ADDRESS", env = "HTTP_ADDR", help_heading = "Schedule")]
    http_addr: Option<String>,
    /// How old the newest verified backup may be, for /healthz
    #[arg(long, value_name = "TIME", env = "HEALTH_MAX_AGE", default_value = "26h", value_parser = max_age, help_heading = "Schedule")]
    max_age: TimeDelta,
    #[command(flatten)]
    backup: backup::Args,
}

impl Args {
    /// Whether a program reads the reports.
    pub fn json(&self) -> bool {
        self.backup.json
    }
}

fn yes(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

/// Backs up when it is due, until SIGTERM or SIGINT. SIGHUP: at once.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let text = match args.schedule.trim() {
        "" => DEFAULT,
        text => text,
    };
    let schedule = Schedule::parse(text, args.backup.zone())?;
    // What cannot ever work is told now and not at three in the morning.
    let settings = args.backup.settings()?;
    for warning in settings.warnings() {
        context.observer.event(Event::Warning(warning.clone()));
    }
    let mut round = args.backup.round(settings)?;
    if round.json == Json::Array {
        round.json = Json::Lines;
    }
    let now = Arc::new(Notify::new());
    let mut hangups = signal(SignalKind::hangup()).map_err(|e| Error::io("cannot watch for SIGHUP", e))?;
    let asked = Arc::clone(&now);
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            asked.notify_one();
        }
    });
    let moment = watch::Sender::default();
    let answering = match args.http_addr.as_deref().filter(|address| !address.is_empty()) {
        Some(address) => {
            let (bound, answering) = serve(address, round.scope(args.max_age), moment.subscribe()).await?;
            let text = format!("answering on http://{bound}/, /healthz and /metrics");
            context.observer.event(Event::Info(text));
            Some(tokio::spawn(answering))
        }
        None => None,
    };
    let daemon = Daemon {
        moment,
        last: last_run(&round, &schedule),
        schedule,
        on_start: args.backup_on_start,
        now,
        cancel: context.cancel.clone(),
        observer: Arc::clone(&context.observer),
    };
    let rest = std::cell::Cell::new(Rest::default());
    let result = daemon
        .run(async |again| {
            // A retry does only what failed; when the next run is due, everything has its turn.
            let mut left = if again { rest.take() } else { Rest::default() };
            let done = round.attempt(&mut left, context).await;
            rest.set(left);
            match done {
                Ok(()) => true,
                Err(e) => {
                    if e.kind() != Kind::Interrupted {
                        log::error(&e);
                    }
                    false
                }
            }
        })
        .await;
    if let Some(answering) = answering {
        answering.abort();
    }
    result
}

/// When the last run began, as far as the store tells, what is dated in the future being left out. A store that cannot be read now is the first run's business to
/// tell.
fn last_run(round: &Round, schedule: &Schedule) -> Option<DateTime<Utc>> {
    let now = Utc::now();
    let local = now.with_timezone(&schedule.zone()).naive_local();
    let store = Store::open(round.directory()).ok()?;
    let meant = |database: &str| round.databases().may_contain(database);
    let runs = store.runs();
    let remembered = runs
        .iter()
        .filter(|run| meant(&run.database))
        .map(|run| run.began)
        .filter(|began| *began <= now + ADJUSTMENT);
    let entries = store.entries().unwrap_or_default();
    let named = entries
        .iter()
        .filter(|e| meant(&e.name.database) && !e.name.is_ahead(local))
        .map(|e| utc(e.name.time, schedule.zone()));
    remembered.chain(named).max()
}
