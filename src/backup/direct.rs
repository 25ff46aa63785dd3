//! A backup that never touches a disk here: dumped straight into an upload, and read back from there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::offsite::{Destination, LAST_MOMENT, Moved, Outlet, finish, rotate};
use super::{
    Finished, Job, ROTATION, WEEKLY, Warnings, dump_into, local_time, same, warning_of_collapse, weekly_of,
};
use crate::archive::{Index, Summary, verify_seekable};
use crate::connect::connect;
use crate::event::{Event, Observer, Phase};
use crate::store::name::{Name, warning_of_ahead};
use crate::store::offsite::{Check, Entry, Offsite};
use crate::store::retention::{self, Candidate};
use crate::store::weekly;
use crate::{Error, Result};

/// Backs a database up into a place off this machine: dumped into an upload, read back and checked, copied weekly, and
/// only then the rules are applied there. One run of this machine at a time into a place; two machines that begin in the
/// same second could send the same name.
pub async fn run(
    job: &Job,
    destination: &Destination,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Finished> {
    let work = async {
        let _lock = tokio::select! {
            lock = destination.offsite.lock(job.lock_wait) => lock?,
            () = cancel.cancelled() => return Err(Error::interrupted()),
        };
        make(job, destination, observer, cancel).await
    };
    tokio::select! {
        biased;
        made = work => made,
        // What is under way when cancelled cleans up behind itself; only what merely waits is cut off here.
        () = async { cancel.cancelled().await; tokio::time::sleep(LAST_MOMENT).await } => Err(Error::interrupted()),
    }
}

async fn make(
    job: &Job,
    destination: &Destination,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Finished> {
    let clock = Instant::now();
    let offsite = &destination.offsite;
    let mut name = Name::daily(job.database(), local_time(job), job.dump.compression.format());
    let mut there = offsite.entries().await?;
    there.retain(|e| e.name.database == job.database());
    while there.iter().any(|e| e.name == name) {
        name.time += chrono::TimeDelta::seconds(1);
    }
    if let Some(warning) = warning_of_ahead(there.iter().map(|e| &e.name), name.time) {
        observer.event(Event::Warning(warning));
    }
    let relative = destination.relative(&name);
    let (upload, writer) = offsite.upload(&relative, expected(job).await?, false)?;
    let out = Outlet::new(writer, Arc::clone(&destination.recipients));
    let writing = async {
        let (out, summary) = dump_into(job, out, observer, cancel).await?;
        let finished = tokio::task::spawn_blocking(move || out.finish()).await;
        let finished = finished.map_err(|e| Error::failed("sending was cut off").because(e))?;
        Ok((finished.map_err(Error::of_reading)?, summary))
    };
    let (sent, Summary { index, .. }) = finish(upload, writing, cancel).await?;
    observer.event(Event::Phase(Phase::Verify));
    let proved = match (destination.check, destination.recipients.is_empty()) {
        (Check::Read, true) => prove(destination, &relative, &index, observer).await,
        (check, _) => offsite.check(&relative, &sent, check).await,
    };
    if let Err(e) = proved {
        offsite.discard(&relative).await;
        return Err(e);
    }
    let encrypted = !destination.recipients.is_empty();
    let alike = there
        .iter()
        .filter(|e| e.name.tier == name.tier && e.name.format == name.format && !e.name.is_ahead(name.time));
    let sizes: Vec<u64> = alike
        .filter(|e| e.encrypted == encrypted)
        .map(|e| e.bytes)
        .collect();
    let mut warnings = Warnings::new(observer);
    there.push(Entry {
        name: name.clone(),
        encrypted,
        bytes: sent.bytes,
    });
    let mut copies = Vec::new();
    let due = due_weekly(job, offsite, &name, &there).await;
    for daily in warnings.of(WEEKLY, due)?.unwrap_or_default() {
        let copied = offsite
            .copy_to_weekly(&daily.name, daily.encrypted, daily.bytes)
            .await;
        if warnings.of(weekly_of(&daily.name, &name), copied)?.is_some() {
            let copy = Offsite::name_of(&daily.name.weekly(), daily.encrypted);
            copies.push(PathBuf::from(offsite.shown(&copy)));
        }
    }
    let deleted = match retention::collapsed(sent.bytes, &sizes) {
        None => {
            let rotated = rotate(job, destination).await;
            warnings.of(ROTATION, rotated)?.unwrap_or_default()
        }
        Some(median) => {
            warnings.tell(warning_of_collapse(sent.bytes, median));
            Vec::new()
        }
    };
    Ok(Finished {
        path: PathBuf::from(offsite.shown(&relative)),
        bytes: sent.bytes,
        tables: index.tables.len() as u64,
        rows: index.rows(),
        took: clock.elapsed(),
        weekly: copies,
        rotated: deleted
            .into_iter()
            .filter_map(|moved| match moved {
                Moved::Deleted(file, why) => Some((file, why)),
                Moved::Sent(..) => None,
            })
            .collect(),
        warnings: warnings.told,
        offsite: Ok(Vec::new()),
    })
}

/// The daily backups there to be copied weekly now that `made` stands, oldest first ([`weekly::due`]).
async fn due_weekly<'t>(
    job: &Job,
    offsite: &Offsite,
    made: &Name,
    there: &'t [Entry],
) -> Result<Vec<&'t Entry>> {
    let mut candidates: Vec<Candidate> = there
        .iter()
        .map(|entry| Candidate {
            name: entry.name.clone(),
            verified: true,
        })
        .collect();
    // Looking at each costs requests, and most often none is due but the one just made, which has been proved.
    if weekly::due(made, &candidates, &job.rules)
        .iter()
        .any(|daily| daily != made)
    {
        for (candidate, entry) in candidates.iter_mut().zip(there) {
            candidate.verified = offsite.is_whole(entry).await?;
        }
    }
    let due = weekly::due(made, &candidates, &job.rules);
    Ok(due
        .iter()
        .filter_map(|name| there.iter().rfind(|entry| entry.name == *name))
        .collect())
}

/// About how many bytes will come: what the server says of the database's size, compressed or not.
async fn expected(job: &Job) -> Result<u64> {
    if job.globals {
        return Ok(0);
    }
    let session = connect(&job.settings).await?;
    let query = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
    let row = session.client.query_one(query, &[]).await;
    let size: i64 = row.map_err(|e| session.explain(e))?.get(0);
    Ok(u64::try_from(size).unwrap_or(0))
}

/// Reads a backup back from there, every row of it, and holds it against what the dump said it wrote.
async fn prove(
    destination: &Destination,
    relative: &str,
    written: &Index,
    observer: &Arc<dyn Observer>,
) -> Result<()> {
    let stored = destination.offsite.find(relative).await?;
    let observer = Arc::clone(observer);
    let reading = tokio::task::spawn_blocking(move || {
        let read = verify_seekable(stored.open()?, &*observer);
        read.map_err(|e| e.context(stored.shown()))
    });
    let read = reading
        .await
        .map_err(|e| Error::failed("reading the backup back failed").because(e))??;
    same(&read, written)
}
