//! `pgstow cleanup`.

use super::store::{Keep, Place, Wait, Zone};
use super::table::Table;
use super::{Context, human, print};
use crate::Result;
use crate::event::Event;
use crate::store::Lock;
use crate::store::retention::Verdict;

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
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Applies the retention rules to every database in the store.
pub async fn run(args: Args, context: &Context) -> Result<()> {
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
    let now = args.zone.now();
    let judged = store.judge(&args.keep.rules(), now)?;
    let deleted = |verdict: &Verdict| matches!(verdict, Verdict::Delete(_));
    if !args.dry_run {
        let goes = judged.iter().filter(|j| deleted(&j.verdict)).map(|j| &j.entry);
        store.remove(goes)?;
    }
    if args.json {
        let rows: Vec<_> = judged
            .iter()
            .map(|j| {
                serde_json::json!({
                    "file": store.relative(&j.entry),
                    "database": j.entry.name.database_or_none(),
                    "bytes": j.entry.bytes,
                    "verified": j.verified,
                    "deleted": deleted(&j.verdict) && !args.dry_run,
                    "verdict": if deleted(&j.verdict) { "delete" } else { "keep" },
                    "because": j.verdict.to_string(),
                })
            })
            .collect();
        return print(&format!("{:#}\n", serde_json::Value::from(rows)));
    }
    let word = match args.dry_run {
        true => "would delete",
        false => "deleted",
    };
    let mut table = Table::new(&["FILE", ">AGE", ">SIZE", "", "BECAUSE"]);
    for j in &judged {
        table.row([
            store.relative(&j.entry),
            human::duration(now - j.entry.name.time),
            human::bytes(j.entry.bytes),
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
