//! `pgstow cleanup`.

use chrono::NaiveDateTime;

use super::offsite::Remote;
use super::store::{Keep, Place, Wait, Zone};
use super::table::Table;
use super::{Context, human, print, print_json};
use crate::Result;
use crate::event::Event;
use crate::store::name::Name;
use crate::store::retention::Verdict;
use crate::store::{Judged, Lock};

/// Options of `cleanup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    wait: Wait,
    /// Only show what would be deleted, and why the rest stays
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Apply the rules to the place off this machine instead of the store
    #[arg(long)]
    offsite: bool,
    #[command(flatten)]
    remote: Remote,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// A backup and what became of it.
struct Line {
    file: String,
    name: Name,
    bytes: u64,
    verified: bool,
    verdict: Verdict,
}

/// Applies the retention rules to every database in the store, or off this machine.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let now = args.zone.now();
    let judged = match args.offsite {
        true => context.until_cancelled(clean_offsite(&args, now)).await?,
        false => clean_store(&args, now, context).await?,
    };
    let deleted = |verdict: &Verdict| matches!(verdict, Verdict::Delete(_));
    if args.json {
        let rows: Vec<_> = judged
            .iter()
            .map(|j| {
                serde_json::json!({
                    "file": j.file,
                    "database": j.name.database_or_none(),
                    "bytes": j.bytes,
                    "verified": j.verified,
                    "deleted": deleted(&j.verdict) && !args.dry_run,
                    "verdict": if deleted(&j.verdict) { "delete" } else { "keep" },
                    "because": j.verdict.to_string(),
                })
            })
            .collect();
        return print_json(&rows.into());
    }
    let word = match args.dry_run {
        true => "would delete",
        false => "deleted",
    };
    let mut table = Table::new(&["FILE", ">AGE", ">SIZE", "", "BECAUSE"]);
    for j in &judged {
        table.row([
            j.file.clone(),
            human::duration(now - j.name.time),
            human::bytes(j.bytes),
            if deleted(&j.verdict) { word } else { "kept" }.to_string(),
            j.verdict.to_string(),
        ]);
    }
    print(&table.render())?;
    let gone = judged.iter().filter(|j| deleted(&j.verdict)).count();
    let kept = judged.len() - gone;
    context
        .observer
        .event(Event::Info(format!("{word} {gone}, kept {kept}")));
    Ok(())
}

async fn clean_store(args: &Args, now: NaiveDateTime, context: &Context) -> Result<Vec<Line>> {
    let store = args.place.store()?;
    let _lock = if args.dry_run {
        None
    } else {
        let lock = context
            .until_cancelled(Lock::take(store.root(), args.wait.lock_wait))
            .await?;
        store.prepare()?;
        Some(lock)
    };
    let judged = store.judge(&args.keep.rules(), now)?;
    if !args.dry_run {
        let goes = judged.iter().filter(|j| matches!(j.verdict, Verdict::Delete(_)));
        store.remove(goes.map(|j| &j.entry))?;
    }
    let line = |j: Judged| Line {
        file: store.relative(&j.entry),
        bytes: j.entry.bytes,
        name: j.entry.name,
        verified: j.verified,
        verdict: j.verdict,
    };
    Ok(judged.into_iter().map(line).collect())
}

async fn clean_offsite(args: &Args, now: NaiveDateTime) -> Result<Vec<Line>> {
    let offsite = args.remote.wanted()?;
    let judged = offsite.judge(None, &args.keep.rules(), now).await?;
    let mut lines = Vec::new();
    for j in judged {
        if !args.dry_run && matches!(j.verdict, Verdict::Delete(_)) {
            offsite.remove(&j.entry).await?;
        }
        lines.push(Line {
            file: j.entry.relative(),
            bytes: j.entry.bytes,
            name: j.entry.name,
            verified: j.verified,
            verdict: j.verdict,
        });
    }
    Ok(lines)
}
