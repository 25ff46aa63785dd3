//! `pgstow list`: what is in the store, or in one file.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::json;

use super::offsite::{Remote, Unlock};
use super::store::{Place, Zone};
use super::table::Table;
use super::{Context, human, print, print_json};
use crate::archive::{Index, Rows};
use crate::event::Event;
use crate::store::name::{Name, warning_of_ahead};
use crate::store::{Entry, State, Store, Stored, took};
use crate::{Error, Result};

/// Options of `list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what is inside this file: a path, or a file's name in the store
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Show the backups off this machine instead; with FILE, look for it there
    #[arg(long)]
    offsite: bool,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    unlock: Unlock,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    zone: Zone,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Lists the backups, or the tables of one.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let Some(file) = &args.file else {
        return match args.offsite {
            true => context.until_cancelled(list_offsite(&args, context)).await,
            false => list_store(&args, context),
        };
    };
    let stored = match args.offsite {
        true => {
            let found = context.until_cancelled(args.remote.find(file)).await?;
            found.with_identities(args.unlock.identities()?)
        }
        false => {
            context
                .until_cancelled(args.unlock.find(file, &args.place))
                .await?
        }
    };
    let json = args.json;
    let listing = tokio::task::spawn_blocking(move || list_file(&stored, json));
    context
        .until_cancelled(async {
            let done = listing.await;
            done.map_err(|e| Error::failed("reading the file failed").because(e))?
        })
        .await
}

async fn list_offsite(args: &Args, context: &Context) -> Result<()> {
    let offsite = args.remote.wanted()?;
    let entries = offsite.entries().await?;
    let now = args.zone.now();
    warn_of_ahead(entries.iter().map(|e| &e.name), now, context);
    let mut rows = Vec::new();
    let mut table = Table::new(&["FILE", "DATABASE", ">AGE", ">SIZE", "STATE"]);
    for entry in &entries {
        let state = match (entry.encrypted, offsite.is_whole(entry).await?) {
            (true, _) => "encrypted",
            (false, true) => "verified",
            (false, false) => "unproven",
        };
        rows.push(json!({
            "file": entry.relative(),
            "address": offsite.shown(&entry.relative()),
            "database": entry.name.database_or_none(),
            "kind": entry.name.tier.directory(),
            "time": entry.name.time.format("%Y-%m-%dT%H:%M:%S").to_string(),
            "bytes": entry.bytes,
            "state": state,
        }));
        table.row([
            entry.relative(),
            entry.name.subject().to_string(),
            human::duration(now - entry.name.time),
            human::bytes(entry.bytes),
            state.to_string(),
        ]);
    }
    if args.json {
        return print_json(&rows.into());
    }
    if entries.is_empty() {
        return print(&format!("no backups in {}\n", offsite.shown("")));
    }
    print(&format!(
        "{}{} in {}, {}\n",
        table.render(),
        human::number_of(entries.len() as u64, "backup"),
        offsite.shown(""),
        human::bytes(entries.iter().map(|e| e.bytes).sum())
    ))
}

fn list_store(args: &Args, context: &Context) -> Result<()> {
    let store = args.place.store()?;
    let entries = store.entries()?;
    let now = args.zone.now();
    warn_of_ahead(entries.iter().map(|e| &e.name), now, context);
    let states: Vec<State> = entries.iter().map(Entry::state).collect();
    if args.json {
        let rows: Vec<_> = entries
            .iter()
            .zip(&states)
            .map(|(e, s)| entry_json(&store, e, s))
            .collect();
        return print_json(&rows.into());
    }
    let mut table = Table::new(&["FILE", "DATABASE", ">AGE", ">SIZE", ">TABLES", ">ROWS", "STATE"]);
    for (entry, state) in entries.iter().zip(&states) {
        let (tables, rows) = match state {
            State::Whole(index) => (
                human::count(index.tables.len() as u64),
                human::count(index.rows()),
            ),
            _ => ("?".into(), "?".into()),
        };
        table.row([
            store.relative(entry),
            entry.name.subject().to_string(),
            human::duration(now - entry.name.time),
            human::bytes(entry.bytes),
            tables,
            rows,
            state.word().to_string(),
        ]);
    }
    if entries.is_empty() {
        return print(&format!("no backups in {}\n", store.root().display()));
    }
    print(&format!(
        "{}{}, {} on disk\n",
        table.render(),
        human::number_of(entries.len() as u64, "backup"),
        human::bytes(on_disk(&entries))
    ))
}

fn warn_of_ahead<'a>(names: impl Iterator<Item = &'a Name>, now: NaiveDateTime, context: &Context) {
    if let Some(warning) = warning_of_ahead(names, now) {
        context.observer.event(Event::Warning(warning));
    }
}

/// Bytes of all files, those that are the same file under two names counted once.
fn on_disk(entries: &[Entry]) -> u64 {
    let mut seen = HashSet::new();
    entries
        .iter()
        .filter(|e| match std::fs::metadata(&e.path) {
            Ok(meta) => seen.insert((meta.dev(), meta.ino())),
            Err(_) => false,
        })
        .map(|e| e.bytes)
        .sum()
}

fn entry_json(store: &Store, entry: &Entry, state: &State) -> serde_json::Value {
    let mut json = json!({
        "file": store.relative(entry),
        "database": entry.name.database_or_none(),
        "kind": entry.name.tier.directory(),
        "time": entry.name.time.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "bytes": entry.bytes,
        "state": state.word(),
        "seconds": took::seconds(&entry.path).or_else(|| store.seconds_of(&store.relative(entry))),
    });
    match state {
        State::Whole(index) => {
            json["tables"] = index.tables.len().into();
            json["rows"] = index.rows().into();
            json["snapshot_time"] = index.header.snapshot_time.clone().into();
            json["server"] = index.header.server.clone().into();
            json["pgstow"] = index.header.pgstow.clone().into();
        }
        State::Unproven => {}
        State::Damaged(why) => json["error"] = why.clone().into(),
    }
    json
}

fn list_file(stored: &Stored, as_json: bool) -> Result<()> {
    let Some(archive) = stored.archive()? else {
        return Err(Error::damaged(format!(
            "{} has no index at its end: it was not written by pgstow, or it is truncated",
            stored.shown()
        ))
        .hint(format!(
            "`pgstow verify {}` reads all of it and tells.",
            stored.shown()
        )));
    };
    let index = archive.index();
    let seconds = stored.path().and_then(took::seconds);
    if as_json {
        return print_json(&file_json(index, seconds));
    }
    let header = &index.header;
    let mut out = format!(
        "database     {}\nsnapshot     {}\nserver       {}\nwritten by   pgstow {}\ncompression  {}\n",
        header.database, header.snapshot_time, header.server, header.pgstow, header.compression
    );
    if let Some(took) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        let took = human::duration(TimeDelta::from_std(took).unwrap_or_default());
        out.push_str(&format!("took         {took}\n"));
    }
    out.push('\n');
    let mut table = Table::new(&["SCHEMA", "TABLE", ">ROWS", ">TEXT", ">STORED"]);
    for t in &index.tables {
        table.row([
            t.schema.clone(),
            t.name.clone(),
            human::count(t.rows.counted.rows),
            human::bytes(t.rows.counted.bytes),
            human::bytes(t.rows.stored()),
        ]);
    }
    out.push_str(&table.render());
    let tables = human::number_of(index.tables.len() as u64, "table");
    out.push_str(&format!("{tables}, {}\n", human::number_of(index.rows(), "row")));
    if shares_members(index) {
        out.push_str(
            "STORED is the part of the file that holds a table's rows; small tables share theirs.\n",
        );
    }
    if let Some(large) = &index.large_objects {
        out.push_str(&format!(
            "large objects: {} stored\n",
            human::bytes(large.stored())
        ));
    }
    print(&out)
}

/// Whether some member of the file holds rows of several tables.
fn shares_members(index: &Index) -> bool {
    let end = |rows: &Rows| rows.offset + rows.stored();
    let mut pairs = index.tables.windows(2);
    pairs.any(|pair| pair[1].rows.offset < end(&pair[0].rows))
}

fn file_json(index: &Index, seconds: Option<f64>) -> serde_json::Value {
    let tables: Vec<_> = index
        .tables
        .iter()
        .map(|t| {
            json!({
                "schema": t.schema,
                "name": t.name,
                "columns": t.columns,
                "rows": t.rows.counted.rows,
                "bytes": t.rows.counted.bytes,
                "stored_bytes": t.rows.stored(),
                "digest": t.rows.counted.digest,
            })
        })
        .collect();
    json!({
        "header": index.header,
        "tables": tables,
        "large_object_bytes": index.large_objects.as_ref().map(|l| l.counted.bytes),
        "seconds": seconds,
    })
}
