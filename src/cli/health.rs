//! `pgstow health`: for a container's HEALTHCHECK, which has no shell.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use super::store::{Place, Zone};
use super::{Connection, Context, databases, print, print_json};
use crate::event::Event;
use crate::store::health::ailment;
use crate::store::name::subject;
use crate::{Error, Result};

/// Options of `health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    zone: Zone,
    /// How old the newest verified backup of each database may be, such as 26h or 8d
    #[arg(long, value_name = "TIME", env = "HEALTH_MAX_AGE", default_value = "26h", value_parser = max_age)]
    max_age: TimeDelta,
    /// Print JSON instead of a line
    #[arg(long)]
    pub json: bool,
}

/// Reads a largest age; empty, as compose files pass what nobody set, is the default.
pub(super) fn max_age(text: &str) -> Result<TimeDelta, String> {
    crate::schedule::next::parse_duration(if text.is_empty() { "26h" } else { text })
}

/// Fails when the database's, or without one named when any database's, backups are stale, failed or unverified.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.place.store()?;
    let runs = store.runs();
    let names: BTreeSet<String> = match args.connection.named() {
        true => databases::named(&args.connection, &args.connection.settings()?)?
            .into_iter()
            .collect(),
        false => store.entries()?.into_iter().map(|e| e.name.database).collect(),
    };
    if let Some(warning) = store.warning_of_ahead(None, args.zone.now())? {
        context.observer.event(Event::Warning(warning));
    }
    let mut ill = Vec::new();
    let mut reports = Vec::new();
    let now = args.zone.now();
    for database in &names {
        let newest = store.latest(database, now)?.map(|entry| entry.name.time);
        let last = runs.iter().rev().find(|run| run.database == *database);
        let why = ailment(newest, last, now, args.max_age);
        reports.push(json!({
            "database": (!database.is_empty()).then_some(database),
            "healthy": why.is_none(),
            "newest": newest.map(|time| time.format("%Y-%m-%dT%H:%M:%S").to_string()),
            "because": why.as_ref().map(ToString::to_string),
        }));
        if let Some(why) = why {
            ill.push(format!("{}: {why}", subject(database)));
        }
    }
    if names.is_empty() {
        ill.push(format!("no backups in {}", store.root().display()));
    }
    if args.json {
        print_json(&json!({ "healthy": ill.is_empty(), "databases": reports }))?;
    }
    if ill.is_empty() {
        return match args.json {
            true => Ok(()),
            false => print("healthy\n"),
        };
    }
    Err(Error::failed(format!("not healthy: {}", ill.join("; ")))
        .hint("`pgstow list` shows the backups there are."))
}
