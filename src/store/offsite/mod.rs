//! Backups in another place: an S3-compatible bucket, Google's or Azure's storage, a WebDAV server, or a directory.
//!
//! The place has the same `daily/` and `weekly/` as a store, and a name in it means what it means there: a backup that
//! arrived whole. Every backend shows an upload only when it is complete, and each is checked afterwards. What is not
//! promised: that a place whose objects others write to is in order, and that parts of an upload cut off by kill -9 are
//! removed there (give the bucket a rule that aborts unfinished multipart uploads).

mod address;
mod backend;
mod check;
mod client;
mod directory;
mod missing;
mod read;
mod upload;
mod webdav;

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

pub use address::Address;
pub use check::Check;
pub use missing::missing;
pub use read::Download;
pub use upload::{PartWriter, Sent, Upload};

use super::lock::Lock;
use super::name::{self, Name, Tier};
use super::retention::{self, Candidate, Rules, Verdict};
use super::stored::Stored;
use crate::age::EXTENSION;
use crate::connect::Environment;
use crate::{Error, Result};

/// How long one request may take, its retries included.
const PATIENCE: Duration = Duration::from_secs(900);
/// The largest object that S3 copies by itself.
const COPIED: u64 = 5_000_000_000;

/// A place for backups off this machine.
#[derive(Debug, Clone)]
pub struct Offsite {
    store: Arc<dyn ObjectStore>,
    address: Address,
    webdav: Option<webdav::Server>,
    /// What tells this place from others: several servers may have a bucket of the same name.
    identity: String,
}

/// A backup there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its name says.
    pub name: Name,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Its size in bytes, as it lies there.
    pub bytes: u64,
}

impl Entry {
    /// Its path below the place's root.
    pub fn relative(&self) -> String {
        relative(&self.name, self.encrypted)
    }
}

/// A backup there and what the rules make of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The backup.
    pub entry: Entry,
    /// Whether it is whole, as far as can be told without its key.
    pub verified: bool,
    /// Whether it stays, and why.
    pub verdict: Verdict,
}

/// The path of a backup below the root.
fn relative(name: &Name, encrypted: bool) -> String {
    let extension = if encrypted { EXTENSION } else { "" };
    format!("{}/{}{extension}", name.tier.directory(), name.file_name())
}

impl Offsite {
    /// The place at an address. Keys come from the environment: `AWS_*`, `GOOGLE_*`, `AZURE_*`, each also as the name of
    /// a file. Nothing is asked yet.
    pub fn open(address: &Address, environment: &Environment) -> Result<Offsite> {
        let (store, webdav) = backend::open(address, environment)?;
        let mut identity = address.below("");
        for prefix in ["AWS_", "GOOGLE_", "AZURE_"] {
            for name in environment.names(prefix).filter(|name| name.contains("ENDPOINT")) {
                identity += &environment.value(name)?.unwrap_or_default();
            }
        }
        Ok(Offsite {
            store,
            address: address.clone(),
            webdav,
            identity,
        })
    }

    /// Keeps the runs of this machine into this place apart ([`Lock::take_for`]).
    ///
    /// # Errors
    /// Another run has it, for longer than `wait`.
    pub async fn lock(&self, wait: Duration) -> Result<Lock> {
        Lock::take_for(&self.shown(""), &self.identity, wait).await
    }

    /// The address of something below the root, without secrets.
    pub fn shown(&self, relative: &str) -> String {
        self.address.below(relative)
    }

    fn path(&self, relative: &str) -> Result<Path> {
        let text = match self.address.path() {
            "" => relative.to_string(),
            base => format!("{base}/{relative}"),
        };
        let wrong = |e| Error::usage(format!("{} cannot be an address", self.shown(relative))).because(e);
        Path::parse(text.trim_end_matches('/')).map_err(wrong)
    }

    /// Every backup there: daily ones first, then by database, newest first.
    pub async fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for tier in Tier::ALL {
            let directory = self.path(tier.directory())?;
            let listing = patiently(self.store.list_with_delimiter(Some(&directory))).await;
            let listing = listing.map_err(|e| e.told("list", &self.shown(tier.directory())))?;
            let first = entries.len();
            entries.extend(listing.objects.iter().filter_map(|object| {
                let file = object.location.filename()?;
                let (plain, encrypted) = match file.strip_suffix(EXTENSION) {
                    Some(plain) => (plain, true),
                    None => (file, false),
                };
                Some(Entry {
                    name: Name::parse(tier, plain)?,
                    encrypted,
                    bytes: object.size,
                })
            }));
            entries[first..].sort_by(|a, b| {
                let by_database = a.name.database.cmp(&b.name.database);
                by_database.then(b.name.time.cmp(&a.name.time))
            });
        }
        Ok(entries)
    }

    /// The newest backup of a database that is whole as far as can be told, if there is one. Those dated in the future do
    /// not count: `now` is local time in the zone of the names.
    pub async fn latest(&self, database: &str, now: NaiveDateTime) -> Result<Option<Entry>> {
        let mut entries = self.entries().await?;
        entries.retain(|e| e.name.database == database && !e.name.is_ahead(now));
        entries.sort_by_key(|e| std::cmp::Reverse((e.name.time, e.name.tier)));
        for entry in entries {
            if self.is_whole(&entry).await? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The warning about backups of a database there, or of any, that are dated in the future.
    pub async fn warning_of_ahead(
        &self,
        database: Option<&str>,
        now: NaiveDateTime,
    ) -> Result<Option<String>> {
        let mut entries = self.entries().await?;
        entries.retain(|e| database.is_none_or(|database| e.name.database == database));
        Ok(name::warning_of_ahead(entries.iter().map(|e| &e.name), now))
    }

    /// Whether a backup there ends as a whole one does. An encrypted one is taken at its name's word: it got it when all
    /// of it had arrived.
    pub async fn is_whole(&self, entry: &Entry) -> Result<bool> {
        if entry.encrypted {
            return Ok(entry.bytes > 0);
        }
        let stored = self.stored(entry);
        let state = tokio::task::spawn_blocking(move || stored.state()).await;
        let state = state.map_err(|e| Error::failed("reading a backup failed").because(e))?;
        Ok(matches!(state, super::State::Whole(_)))
    }

    /// A backup there, to be read.
    pub fn stored(&self, entry: &Entry) -> Stored {
        Stored::remote(self.clone(), entry.relative(), entry.bytes)
    }

    /// Something below the root, to be read. One that is not there is an error.
    pub async fn find(&self, relative: &str) -> Result<Stored> {
        let path = self.path(relative)?;
        let meta = patiently(self.store.head(&path)).await;
        let meta = meta.map_err(|e| e.told("find", &self.shown(relative)))?;
        Ok(Stored::remote(self.clone(), relative.to_string(), meta.size))
    }

    /// What the rules make of every backup of a database there, or of all. `now` is local time in the zone of the names.
    pub async fn judge(
        &self,
        database: Option<&str>,
        rules: &Rules,
        now: NaiveDateTime,
    ) -> Result<Vec<Judged>> {
        let mut entries = self.entries().await?;
        entries.retain(|e| database.is_none_or(|database| e.name.database == database));
        let mut candidates = Vec::new();
        for entry in &entries {
            candidates.push(Candidate {
                name: entry.name.clone(),
                verified: self.is_whole(entry).await?,
            });
        }
        let verdicts = retention::judge(&candidates, rules, now);
        let judged = entries.into_iter().zip(candidates).zip(verdicts);
        Ok(judged
            .map(|((entry, candidate), verdict)| Judged {
                entry,
                verified: candidate.verified,
                verdict,
            })
            .collect())
    }

    /// Removes a backup there, for good.
    pub async fn remove(&self, entry: &Entry) -> Result<()> {
        self.remove_object(&entry.relative()).await
    }

    async fn remove_object(&self, relative: &str) -> Result<()> {
        let path = self.path(relative)?;
        let removed = patiently(self.store.delete(&path)).await;
        removed.map_err(|e| e.told("remove", &self.shown(relative)))
    }

    /// Lets the place copy an object by itself. `false` where it cannot.
    async fn copy_there(&self, from: &str, to: &str, bytes: u64) -> Result<bool> {
        if bytes > COPIED {
            return Ok(false);
        }
        let (from, to) = (self.path(from)?, self.path(to)?);
        Ok(patiently(self.store.copy(&from, &to)).await.is_ok())
    }

    /// The path of a backup below the root, as it will be uploaded.
    pub fn name_of(name: &Name, encrypted: bool) -> String {
        relative(name, encrypted)
    }
}

/// What went wrong on the way there.
enum Trouble {
    Store(object_store::Error),
    Slow,
}

impl Trouble {
    /// The error of doing something to an address.
    fn told(self, what: &str, shown: &str) -> Error {
        match self {
            Trouble::Slow => Error::failed(format!(
                "cannot {what} {shown}: no answer for {} s",
                PATIENCE.as_secs()
            )),
            Trouble::Store(object_store::Error::NotFound { .. }) => Error::failed(format!(
                "cannot {what} {shown}: there is no such backup or bucket"
            )),
            Trouble::Store(e) => {
                let refused = matches!(
                    e,
                    object_store::Error::Unauthenticated { .. }
                        | object_store::Error::PermissionDenied { .. }
                );
                // Without keys the backends ask the machine that they may run on for some, at its one address.
                let text = e.to_string();
                let asked_machine = ["169.254.169.254", "metadata.google.internal"];
                let without_keys = asked_machine.iter().any(|address| text.contains(address));
                let error = Error::failed(format!("cannot {what} {shown}")).because(e);
                match (without_keys, refused) {
                    (true, _) => error.hint(format!("No keys are set: {}.", keys(shown))),
                    (_, true) => error.hint(format!("Check the keys and their rights: {}.", keys(shown))),
                    _ => error,
                }
            }
        }
    }
}

/// The variables with the keys of an address.
fn keys(address: &str) -> &'static str {
    match address.split("://").next() {
        Some("s3") => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
        Some("gs") => "GOOGLE_SERVICE_ACCOUNT or GOOGLE_SERVICE_ACCOUNT_KEY in the environment",
        Some("az") => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY in the environment",
        _ => "user and password in OFFSITE_URL",
    }
}

/// Waits for the place, but not for ever.
async fn patiently<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(Trouble::Store),
        Err(_) => Err(Trouble::Slow),
    }
}
