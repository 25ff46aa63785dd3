//! The story of a backup.

mod direct;
mod offsite;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::archive::{self, Index, Summary, Verified};
use crate::connect::Settings;
use crate::event::{Event, Observer, Phase};
use crate::store::journal::{Outcome, Run};
use crate::store::name::{self, Name, Tier};
use crate::store::retention::{self, Rules, Verdict};
use crate::store::{Lock, Pending, Store, settle};
use crate::{Error, Result, dump, plan};

pub use direct::run as run_direct;
pub use offsite::{Destination, Moved};

/// What to back up, where to, and what may go afterwards.
#[derive(Debug, Clone)]
pub struct Job {
    /// The database, or any of the server for its globals.
    pub settings: Settings,
    /// Not the database, but what belongs to the whole server: roles and tablespaces.
    pub globals: bool,
    /// The store's directory.
    pub directory: PathBuf,
    /// The time zone of the times in file names.
    pub zone: Tz,
    /// Tells the time, by which backups are named, copied weekly and deleted.
    pub clock: fn() -> DateTime<Utc>,
    /// How long backups are kept.
    pub rules: Rules,
    /// How long to wait for another run in the same store.
    pub lock_wait: Duration,
    /// What is dumped, in which form.
    pub dump: dump::Request,
    /// Where each backup is also sent.
    pub offsite: Option<Destination>,
}

impl Job {
    /// A backup as `pgstow backup` makes it without options: without owners and privileges, dropping what it creates, kept
    /// 7 days and Sunday's 4 weeks, times in UTC.
    pub fn new(settings: Settings, directory: impl Into<PathBuf>) -> Job {
        Job {
            settings,
            globals: false,
            directory: directory.into(),
            zone: Tz::UTC,
            clock: Utc::now,
            rules: Rules::default(),
            lock_wait: Duration::ZERO,
            dump: dump::Request {
                plan: plan::Options {
                    clean: true,
                    if_exists: true,
                    owners: false,
                    privileges: false,
                    ..plan::Options::default()
                },
                check_members: true,
                ..dump::Request::default()
            },
            offsite: None,
        }
    }

    /// What is backed up, for people.
    pub fn subject(&self) -> &str {
        name::subject(self.database())
    }

    /// The database's name in the store; empty for globals.
    fn database(&self) -> &str {
        match self.globals {
            true => "",
            false => self.settings.dbname(),
        }
    }
}

/// A finished backup.
#[derive(Debug)]
pub struct Finished {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Tables with rows in it.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// How long it took.
    pub took: Duration,
    /// The weekly copies that were made: on Sunday its own, and those of earlier Sundays that had none yet.
    pub weekly: Vec<PathBuf>,
    /// The older backups that were deleted, and why.
    pub rotated: Vec<(String, Verdict)>,
    /// What went wrong once the backup stood, or is odd about it. Each has been told as a warning.
    pub warnings: Vec<String>,
    /// What came of sending it off this machine. A backup that could not be sent stands nevertheless.
    pub offsite: Result<Vec<Moved>>,
}

/// Backs a database up: dumps it, reads the file back, gives it its name, copies it on Sundays, only then deletes what
/// the rules let go, and sends what stands to the place off this machine, if there is one. Whatever fails, and whenever it is cancelled, the earlier backups stay, and no unfinished file
/// has a backup's name.
pub async fn run(job: &Job, observer: &Arc<dyn Observer>, cancel: &CancellationToken) -> Result<Finished> {
    let store = Store::open(&job.directory)?;
    let _lock = tokio::select! {
        lock = Lock::take(store.root(), job.lock_wait) => lock?,
        () = cancel.cancelled() => return Err(Error::interrupted()),
    };
    let began = (job.clock)();
    let clock = Instant::now();
    let result = make(job, &store, began, observer, cancel).await;
    // One that stands is remembered even when its sending was cut off: the next run looks after that.
    if result.is_ok() || !cancel.is_cancelled() {
        remember(job, &store, began, clock.elapsed(), &result, &**observer);
    }
    result
}

/// The story itself, under the lock.
async fn make(
    job: &Job,
    store: &Store,
    began: DateTime<Utc>,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Finished> {
    let clock = Instant::now();
    for stale in store.prepare()? {
        let text = format!(
            "removed what a killed run had left unfinished: {}",
            stale.display()
        );
        observer.event(Event::Warning(text));
    }
    let local = began.with_timezone(&job.zone).naive_local();
    if let Some(warning) = store.warning_of_ahead(Some(job.database()), local)? {
        observer.event(Event::Warning(warning));
    }
    let name = Name::daily(job.database(), local, job.dump.compression.format());
    let (name, pending) = store.begin(name)?;

    let out = pending.to_writer()?;
    let (_, Summary { index, bytes, .. }) = dump_into(job, out, observer, cancel)
        .await
        .map_err(|e| archive::name_output(e, store.path(&name).display()))?;
    tokio::select! {
        verified = verify(&pending, &index, observer) => verified?,
        () = cancel.cancelled() => return Err(Error::interrupted()),
    }
    let suspicious = collapsed(store, &name, bytes)?;
    pending.note_duration(clock.elapsed());
    pending.commit()?;
    store.link_latest(&name);

    // From here on the backup stands, and nothing that fails makes it one that did not succeed.
    let mut warnings = Warnings::new(observer);
    let mut made = vec![name.clone()];
    let mut weekly = Vec::new();
    for daily in warnings
        .of(WEEKLY, store.due_weekly(&name, &job.rules))?
        .unwrap_or_default()
    {
        if let Some(copy) = warnings.of(weekly_of(&daily, &name), store.copy_to_weekly(&daily))? {
            weekly.push(copy);
            made.push(daily.weekly());
        }
    }
    let rotating = suspicious.is_none();
    let rotated = match suspicious {
        None => warnings.of(ROTATION, rotate(job, store))?.unwrap_or_default(),
        Some(warning) => {
            warnings.tell(warning);
            Vec::new()
        }
    };
    let offsite = match &job.offsite {
        Some(place) => {
            let rotating = rotating.then_some(&mut warnings);
            offsite::send(job, place, store, &made, rotating, observer, cancel).await
        }
        None => Ok(Vec::new()),
    };
    Ok(Finished {
        path: store.path(&name),
        bytes,
        tables: index.tables.len() as u64,
        rows: index.rows(),
        took: clock.elapsed(),
        weekly,
        rotated,
        warnings: warnings.told,
        offsite,
    })
}

/// Sends what earlier runs could not send off this machine, without another backup.
pub async fn send_again(
    job: &Job,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Vec<Moved>> {
    let Some(place) = &job.offsite else {
        return Ok(Vec::new());
    };
    let store = Store::open(&job.directory)?;
    let _lock = tokio::select! {
        lock = Lock::take(store.root(), job.lock_wait) => lock?,
        () = cancel.cancelled() => return Err(Error::interrupted()),
    };
    let sent = offsite::send(job, place, &store, &[], None, observer, cancel).await?;
    let told = store.remember_sent(job.database());
    if let Err(e) = told {
        observer.event(Event::Warning(format!("the run could not be noted: {e}")));
    }
    Ok(sent)
}

/// What could not be done about a backup that stands.
const WEEKLY: &str = "it could not be copied weekly";
const EARLIER_WEEKLY: &str = "an earlier week's copy could not be made";
const ROTATION: &str = "older ones could not be deleted";

/// What goes wrong once a backup stands: told at once, and kept for the report.
struct Warnings<'o> {
    told: Vec<String>,
    observer: &'o Arc<dyn Observer>,
}

impl Warnings<'_> {
    fn new(observer: &Arc<dyn Observer>) -> Warnings<'_> {
        Warnings {
            told: Vec::new(),
            observer,
        }
    }

    fn tell(&mut self, text: String) {
        self.observer.event(Event::Warning(text.clone()));
        self.told.push(text);
    }

    /// What came of something that was done when the backup stood; nothing where it failed. Being stopped is an error
    /// still.
    fn of<T>(&mut self, what: &str, done: Result<T>) -> Result<Option<T>> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(e) if e.kind() == crate::error::Kind::Interrupted => Err(e),
            Err(e) => {
                self.tell(format!("the backup stands, but {what}: {e}"));
                Ok(None)
            }
        }
    }
}

/// Dumps what the job is about.
async fn dump_into<W: Write + Send + 'static>(
    job: &Job,
    out: W,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<(W, Summary)> {
    if !job.globals {
        return dump::database(&job.settings, &job.dump, out, Arc::clone(observer), cancel).await;
    }
    // Small enough to be held; and where `out` leads, writing may have to wait.
    let dumping = dump::globals(
        &job.settings,
        &job.dump.snapshot,
        job.dump.compression,
        Vec::new(),
    );
    let (bytes, summary) = tokio::select! {
        dumped = dumping => dumped?,
        () = cancel.cancelled() => return Err(Error::interrupted()),
    };
    let mut out = out;
    let writing = tokio::task::spawn_blocking(move || out.write_all(&bytes).map(|()| out));
    let written = writing
        .await
        .map_err(|e| Error::failed("writing was cut off").because(e))?;
    Ok((written.map_err(archive::cannot_write)?, summary))
}

/// The time in the zone of the store's names.
fn local_time(job: &Job) -> NaiveDateTime {
    (job.clock)().with_timezone(&job.zone).naive_local()
}

/// Reads back what was written, from the disk where the system allows, and holds it against what the dump said it wrote.
async fn verify(pending: &Pending, written: &Index, observer: &Arc<dyn Observer>) -> Result<()> {
    observer.event(Event::Phase(Phase::Verify));
    let (file, path) = (pending.to_writer()?, pending.path().to_path_buf());
    let observer = Arc::clone(observer);
    let reading = tokio::task::spawn_blocking(move || {
        settle(&file).map_err(|e| Error::io(format!("cannot write {}", path.display()), e))?;
        archive::verify(&path, &*observer)
    });
    let read = reading
        .await
        .map_err(|e| Error::failed("reading the backup back failed").because(e))??;
    same(&read, written)
}

/// Fails when what was read back is not what was written.
fn same(read: &Verified, written: &Index) -> Result<()> {
    match &read.index {
        Some(index) if index == written => Ok(()),
        _ => Err(Error::damaged(
            "what was read back is not what was written: the backup is thrown away",
        )),
    }
}

/// The warning for a backup much smaller than the last ones, which then must not be rotated away.
fn collapsed(store: &Store, name: &Name, bytes: u64) -> Result<Option<String>> {
    let mut entries = store.entries()?;
    entries.retain(|e| {
        e.name.database == name.database
            && e.name.tier == Tier::Daily
            && e.name.format == name.format
            && !e.name.is_ahead(name.time)
    });
    let sizes: Vec<u64> = entries.iter().map(|e| e.bytes).collect();
    Ok(retention::collapsed(bytes, &sizes).map(|median| warning_of_collapse(bytes, median)))
}

fn warning_of_collapse(bytes: u64, median: u64) -> String {
    format!(
        "the backup has {bytes} bytes, less than half of the {median} that the last ones have at the median: is this \
         the right database, and are its rows still there? Older backups are not deleted now"
    )
}

/// What fails where a weekly copy cannot be made.
fn weekly_of(daily: &Name, made: &Name) -> &'static str {
    match daily == made {
        true => WEEKLY,
        false => EARLIER_WEEKLY,
    }
}

/// Deletes the backups of this database that the rules let go.
fn rotate(job: &Job, store: &Store) -> Result<Vec<(String, Verdict)>> {
    let mut judged = store.judge(&job.rules, local_time(job))?;
    judged.retain(|j| j.entry.name.database == job.database() && matches!(j.verdict, Verdict::Delete(_)));
    store.remove(judged.iter().map(|j| &j.entry))?;
    let told = |j: crate::store::Judged| (j.entry.path.display().to_string(), j.verdict);
    Ok(judged.into_iter().map(told).collect())
}

/// Notes the run in the store's journal. A journal that cannot be written fails no backup.
fn remember(
    job: &Job,
    store: &Store,
    began: DateTime<Utc>,
    took: Duration,
    result: &Result<Finished>,
    observer: &dyn Observer,
) {
    let outcome = match result {
        Ok(backup) => Outcome::Succeeded {
            file: relative(store, &backup.path),
            bytes: backup.bytes,
            rows: backup.rows,
        },
        Err(e) => Outcome::Failed { error: e.to_string() },
    };
    let run = Run {
        database: job.database().to_string(),
        began,
        seconds: took.as_secs_f64(),
        outcome,
        unsent: result
            .as_ref()
            .ok()
            .and_then(|b| b.offsite.as_ref().err())
            .map(Error::to_string),
        warnings: result
            .as_ref()
            .map_or_else(|_| Vec::new(), |b| b.warnings.clone()),
    };
    let sent = job.offsite.is_some() && result.as_ref().is_ok_and(|b| b.offsite.is_ok());
    let before = match sent {
        true => store.remember_sent(job.database()),
        false => Ok(()),
    };
    if let Err(e) = before.and_then(|()| store.remember(run)) {
        observer.event(Event::Warning(format!("the run could not be noted: {e}")));
    }
}

fn relative(store: &Store, path: &Path) -> String {
    path.strip_prefix(store.root())
        .unwrap_or(path)
        .display()
        .to_string()
}
