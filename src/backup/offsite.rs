//! The copies off this machine: sent, checked, and subject to the same rules. Nothing here can cost a backup that stands
//! in the store.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Job, Warnings, local_time};
use crate::age::{self, Recipient};
use crate::event::{Event, Observer, Phase};
use crate::store::journal::Outcome;
use crate::store::name::{Name, Tier, warning_of_ahead};
use crate::store::offsite::{Check, Entry, Offsite, PartWriter, Sent, missing};
use crate::store::retention::Verdict;
use crate::store::{State, Store};
use crate::{Error, Result};

/// Bytes read from a file at a time.
const CHUNK: usize = 1 << 20;
/// How long an upload that was given up may take to clean up behind itself: a signal ends the process within a second.
const CLEANING: Duration = Duration::from_millis(700);

/// When nothing is waited for any more after a signal.
pub(super) const LAST_MOMENT: Duration = Duration::from_millis(850);

/// Where copies go, and in which form.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The place.
    pub offsite: Offsite,
    /// To whom they are encrypted; nobody: not at all.
    pub recipients: Arc<[Recipient]>,
    /// How each is checked.
    pub check: Check,
}

/// A copy that arrived, or a backup that was deleted there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Sent: its address and its size in bytes.
    Sent(String, u64),
    /// Deleted: its address, and why.
    Deleted(String, Verdict),
}

impl Destination {
    fn is_encrypting(&self) -> bool {
        !self.recipients.is_empty()
    }
}

/// Sends the backups of the job's database that are not there yet or perhaps not whole, and `made` in any case; then, if
/// `rotating`, deletes there what the rules let go. That this fails is a warning: what was to be sent has been.
pub(super) async fn send(
    job: &Job,
    destination: &Destination,
    store: &Store,
    made: &[Name],
    rotating: Option<&mut Warnings<'_>>,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Vec<Moved>> {
    let offsite = &destination.offsite;
    let work = async {
        let there = offsite.entries().await?;
        let here = verified(store, job.database())?;
        let mut again = unproved(store, job.database());
        again.extend(store.sending(job.database()));
        again.extend(
            there
                .iter()
                .filter(|e| is_of_another_size(store, e))
                .map(|e| e.name.clone()),
        );
        again.extend_from_slice(made);
        let there: Vec<Name> = there
            .into_iter()
            .map(|e| e.name)
            .filter(|name| name.database == job.database())
            .collect();
        let now = local_time(job);
        if let Some(warning) = warning_of_ahead(&there, now) {
            let place = offsite.shown("");
            observer.event(Event::Warning(format!("{place}: {warning}")));
        }
        let (mut moved, mut dailies) = (Vec::new(), Vec::<(Name, Sent)>::new());
        for name in missing(&here, &there, &again, now) {
            // The last one of its day is what the weekly copy is of.
            let last = here
                .iter()
                .filter(|h| h.tier == Tier::Daily && h.weekly() == name)
                .max_by_key(|h| h.time);
            note(store.note_sending(&name), observer);
            let twin = dailies.iter().find(|(daily, _)| Some(daily) == last);
            let sent = match twin {
                Some((daily, sent)) => {
                    offsite
                        .copy_to_weekly(daily, destination.is_encrypting(), sent.bytes)
                        .await?;
                    *sent
                }
                None => send_file(destination, &store.path(&name), &name, observer, cancel).await?,
            };
            note(store.note_sent(&name), observer);
            if name.tier == Tier::Daily {
                dailies.push((name.clone(), sent));
            }
            moved.push(Moved::Sent(
                offsite.shown(&destination.relative(&name)),
                sent.bytes,
            ));
        }
        if let Some(warnings) = rotating {
            let rotated = rotate(job, destination).await;
            moved.extend(
                warnings
                    .of("older ones could not be deleted off this machine", rotated)?
                    .unwrap_or_default(),
            );
        }
        Ok(moved)
    };
    tokio::select! {
        biased;
        done = work => done,
        // What is under way cleans up behind itself; only what merely waits is cut off here.
        () = async { cancel.cancelled().await; tokio::time::sleep(LAST_MOMENT).await } => Err(Error::interrupted()),
    }
}

/// That something could not be noted in the store keeps nothing from being sent.
fn note(noted: Result<()>, observer: &Arc<dyn Observer>) {
    if let Err(e) = noted {
        observer.event(Event::Warning(format!("the sending could not be noted: {e}")));
    }
}

/// The backups whose runs did not end with all sent and checked: what is there under their names may be damaged.
fn unproved(store: &Store, database: &str) -> Vec<Name> {
    let runs = store.runs().into_iter();
    let unsent = runs.filter(|run| run.database == database && run.unsent.is_some());
    let names = unsent.filter_map(|run| match run.outcome {
        Outcome::Succeeded { file, .. } => Name::parse(Tier::Daily, file.strip_prefix("daily/")?),
        Outcome::Failed { .. } => None,
    });
    names.flat_map(|name| [name.weekly(), name]).collect()
}

/// Whether what is there is not what is here. An encrypted one always has another size.
fn is_of_another_size(store: &Store, there: &Entry) -> bool {
    let here = std::fs::metadata(store.path(&there.name));
    !there.encrypted && here.is_ok_and(|here| here.len() != there.bytes)
}

/// The verified backups of a database in the store.
fn verified(store: &Store, database: &str) -> Result<Vec<Name>> {
    let mut entries = store.entries()?;
    entries.retain(|e| e.name.database == database && matches!(e.state(), State::Whole(_)));
    Ok(entries.into_iter().map(|e| e.name).collect())
}

/// Deletes there what the rules let go of this database.
pub(super) async fn rotate(job: &Job, destination: &Destination) -> Result<Vec<Moved>> {
    let offsite = &destination.offsite;
    let judged = offsite
        .judge(Some(job.database()), &job.rules, local_time(job))
        .await?;
    let mut deleted = Vec::new();
    for judged in judged {
        if matches!(judged.verdict, Verdict::Delete(_)) {
            offsite.remove(&judged.entry).await?;
            deleted.push(Moved::Deleted(
                offsite.shown(&judged.entry.relative()),
                judged.verdict,
            ));
        }
    }
    Ok(deleted)
}

/// Sends a file and checks what arrived.
async fn send_file(
    destination: &Destination,
    path: &Path,
    name: &Name,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Sent> {
    let failed = |e| Error::io(format!("cannot read {}", path.display()), e);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let relative = destination.relative(name);
    observer.event(Event::Phase(Phase::Upload));
    observer.event(Event::Total {
        tables: 0,
        bytes: length,
    });
    let exactly = !destination.is_encrypting();
    let (upload, writer) = destination.offsite.upload(&relative, length, exactly)?;
    let out = Outlet::new(writer, Arc::clone(&destination.recipients));
    let reading = {
        let (observer, cancel) = (Arc::clone(observer), cancel.clone());
        tokio::task::spawn_blocking(move || copy(file, out, &*observer, &cancel))
    };
    let read = async {
        let read = reading
            .await
            .map_err(|e| Error::failed("reading was cut off").because(e))?;
        read.map_err(Error::of_reading)
    };
    let sent = finish(upload, read, cancel).await?;
    let checked = destination.offsite.check(&relative, &sent, destination.check);
    tokio::select! {
        checked = checked => checked?,
        () = cancel.cancelled() => return Err(Error::interrupted()),
    }
    Ok(sent)
}

/// Waits for writer and upload. When both failed, the upload's error is the cause, but for an interruption.
pub(super) async fn finish<T>(
    upload: crate::store::offsite::Upload,
    writing: impl Future<Output = Result<T>>,
    cancel: &CancellationToken,
) -> Result<T> {
    let written = tokio::select! {
        written = writing => written,
        () = cancel.cancelled() => Err(Error::interrupted()),
    };
    let ended = tokio::select! {
        biased;
        ended = upload.end() => ended,
        () = async { cancel.cancelled().await; tokio::time::sleep(CLEANING).await } => Err(Error::interrupted()),
    };
    if cancel.is_cancelled() {
        return Err(Error::interrupted());
    }
    match (written, ended) {
        (Ok(written), Ok(())) => Ok(written),
        (_, Err(e)) if e.kind() != crate::error::Kind::Interrupted => Err(e),
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

/// Copies a whole file into an upload; stops when cancelled.
fn copy(
    mut file: File,
    mut out: Outlet,
    observer: &dyn Observer,
    cancel: &CancellationToken,
) -> io::Result<Sent> {
    let mut chunk = vec![0; CHUNK];
    loop {
        if cancel.is_cancelled() {
            return Err(io::Error::other(Error::interrupted()));
        }
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return out.finish();
        }
        out.write_all(&chunk[..n])?;
        observer.event(Event::Moved {
            rows: 0,
            bytes: n as u64,
        });
    }
}

impl Destination {
    /// The path below the place's root of a backup in the form that is sent.
    pub(super) fn relative(&self, name: &Name) -> String {
        Offsite::name_of(name, self.is_encrypting())
    }
}

/// The way into an upload, through encryption if that is wanted.
pub(super) struct Outlet {
    recipients: Arc<[Recipient]>,
    way: Way,
}

enum Way {
    /// Nothing was written yet.
    Closed(Option<PartWriter>),
    Clear(PartWriter),
    Encrypted(Box<age::Writer<PartWriter>>),
}

impl Outlet {
    pub(super) fn new(writer: PartWriter, recipients: Arc<[Recipient]>) -> Outlet {
        Outlet {
            recipients,
            way: Way::Closed(Some(writer)),
        }
    }

    /// Writes the header before the first byte: only then blocking is allowed.
    fn open(&mut self) -> io::Result<()> {
        if let Way::Closed(writer) = &mut self.way {
            let writer = writer
                .take()
                .ok_or_else(|| io::Error::other("the upload has failed"))?;
            self.way = match self.recipients.is_empty() {
                true => Way::Clear(writer),
                false => {
                    let encrypted = age::encrypt(writer, &self.recipients).map_err(io::Error::other)?;
                    Way::Encrypted(Box::new(encrypted))
                }
            };
        }
        Ok(())
    }

    /// Ends the upload's bytes.
    pub(super) fn finish(mut self) -> io::Result<Sent> {
        self.open()?;
        match self.way {
            Way::Clear(writer) => writer.finish(),
            Way::Encrypted(writer) => writer.finish().map_err(io::Error::other)?.finish(),
            Way::Closed(_) => Err(io::Error::other("the upload has failed")),
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?;
        match &mut self.way {
            Way::Clear(writer) => writer.write(bytes),
            Way::Encrypted(writer) => writer.write(bytes),
            Way::Closed(_) => Err(io::Error::other("the upload has failed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
