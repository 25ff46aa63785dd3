//! What is told of a restore: the steps that it would take, and what was done.

use std::path::Path;
use std::time::Instant;

use chrono::TimeDelta;
use serde_json::json;

use super::Args;
use crate::cli::source::Source;
use crate::cli::{Context, human, print, print_json};
use crate::event::Event;
use crate::restore::{self, Choice, Counts};
use crate::{Error, Result};

/// Prints what would be done.
pub(super) async fn list(source: Source, args: &Args) -> Result<()> {
    let path = source.check_file("--list")?.to_path_buf();
    let (selection, name) = (args.selection(), source.name());
    let json = args.json;
    let listing = tokio::task::spawn_blocking(move || {
        let choice = Choice::of_file(&path, &selection)?;
        if json {
            return list_as_json(&path, &choice);
        }
        restore::steps(&path, &choice, |step| {
            let rows = step.rows.map(|(rows, bytes)| {
                format!(" -- {}, {}", human::number_of(rows, "row"), human::bytes(bytes))
            });
            print(&format!(
                "{:>8}  {}{}\n",
                step.line,
                step.text,
                rows.unwrap_or_default()
            ))
        })
    });
    let listed = listing.await;
    let listed = listed.map_err(|e| Error::failed("reading the file failed").because(e))?;
    listed.map_err(Source::blamed(name))
}

/// An array of the steps, an object a line: a large script has many.
fn list_as_json(path: &Path, choice: &Choice) -> Result<()> {
    let mut before = "[\n";
    restore::steps(path, choice, |step| {
        let (rows, bytes) = step.rows.unzip();
        let step = json!({ "line": step.line, "text": step.text, "rows": rows, "bytes": bytes });
        print(&format!("{}  {step}", std::mem::replace(&mut before, ",\n")))
    })?;
    print(if before == "[\n" { "[]\n" } else { "\n]\n" })
}

/// Says what was done: to the log, and to a program.
pub(super) fn done(
    args: &Args,
    source: &Source,
    dbname: Option<&str>,
    before: Option<&str>,
    counts: Counts,
    start: Instant,
    context: &Context,
) -> Result<()> {
    let took = start.elapsed();
    let what = dbname.map_or("the databases of the script".into(), |name| {
        format!("database {name:?}")
    });
    context.observer.event(Event::Info(format!(
        "Restored {what} from {}: {}, {} into {} in {}",
        source.name(),
        human::number_of(counts.statements, "statement"),
        human::number_of(counts.rows, "row"),
        human::number_of(counts.tables, "table"),
        human::duration(TimeDelta::from_std(took).unwrap_or_default())
    )));
    if let Some(before) = before {
        context.observer.event(Event::Info(format!(
            "the database as it was is now called {before:?}; drop it when it is no longer needed"
        )));
    }
    if !args.json {
        return Ok(());
    }
    print_json(&json!({
        "file": source.name(),
        "database": dbname,
        "previous_database": before,
        "statements": counts.statements,
        "tables": counts.tables,
        "rows": counts.rows,
        "seconds": took.as_secs_f64(),
    }))
}
