//! The backup that a restore reads, wherever it lies.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::Context;
use super::offsite::{self, Remote, Unlock};
use super::store::{Place, Zone};
use crate::archive::open_file;
use crate::error::Kind;
use crate::event::Event;
use crate::store::{Pending, Stored};
use crate::{Error, Result, restore};

/// Where a backup is looked for, and what opens it.
#[derive(Debug, clap::Args)]
pub struct Whence {
    /// Where a name or "latest" is looked for: store, or offsite (see --offsite-url)
    #[arg(long, value_name = "store|offsite", value_parser = from, default_value = "store", help_heading = "Restore")]
    from: From,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    unlock: Unlock,
}

/// Where names are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Store,
    Offsite,
}

fn from(text: &str) -> Result<From, String> {
    match text {
        "store" => Ok(From::Store),
        "offsite" => Ok(From::Offsite),
        _ => Err("expected store or offsite".into()),
    }
}

/// Where the script comes from.
#[derive(Debug)]
pub enum Source {
    /// Standard input.
    Standard,
    /// A pipe with a name here, as a shell's `<(...)` gives one: it can be read once.
    Pipe(PathBuf),
    /// A file here.
    File(PathBuf),
    /// A file made of a backup elsewhere or encrypted, and what it was made of.
    Copy(Pending, Stored),
    /// A backup elsewhere or encrypted, read as it comes.
    Elsewhere(Stored),
}

impl Source {
    /// The file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path),
            Source::Copy(copy, _) => Some(copy.path()),
            Source::Standard | Source::Pipe(_) | Source::Elsewhere(_) => None,
        }
    }

    /// What it is called, for people.
    pub fn name(&self) -> String {
        match self {
            Source::Standard => "standard input".into(),
            Source::File(path) | Source::Pipe(path) => path.display().to_string(),
            Source::Copy(_, stored) | Source::Elsewhere(stored) => stored.shown(),
        }
    }

    /// Fails where what is wanted (`what`) reads the backup more than once, and it can be read only once.
    pub fn check_file(&self, what: &str) -> Result<&Path> {
        self.path().ok_or_else(|| {
            Error::usage(format!(
                "{what} reads the file more than once, so it cannot come from {}",
                match self {
                    Source::Pipe(_) => "a pipe",
                    _ => "standard input",
                }
            ))
            .hint("Put it into a file.")
        })
    }

    /// What is wrong with its content, told with its name.
    pub fn blamed(name: String) -> impl FnOnce(Error) -> Error {
        move |e| match e.kind() {
            Kind::Damaged => e.context(name),
            _ => e,
        }
    }

    /// The input, from its beginning.
    pub fn open(&self) -> Result<restore::Source> {
        Ok(match self {
            Source::Standard => restore::Source::Stream(Box::new(std::io::stdin())),
            Source::Pipe(path) => restore::Source::Stream(Box::new(open_file(path)?)),
            Source::Elsewhere(stored) => restore::Source::Stream(Box::new(stored.reader())),
            Source::File(path) => restore::Source::File(path.clone()),
            Source::Copy(copy, _) => restore::Source::File(copy.path().to_path_buf()),
        })
    }
}

impl Whence {
    /// The backup that the user means. One that is not read from its beginning to its end, once, (`as_file`) is fetched
    /// first where it is not a plain file here.
    pub async fn find(
        &self,
        file: &Path,
        place: &Place,
        dbname: impl FnOnce() -> Result<String>,
        as_file: bool,
        context: &Context,
    ) -> Result<Source> {
        if file == Path::new("-") {
            return Ok(Source::Standard);
        }
        // Not opened here: whoever writes would see its reader go.
        if std::fs::metadata(file)
            .is_ok_and(|meta| meta.file_type().is_fifo() || meta.file_type().is_char_device())
        {
            return Ok(Source::Pipe(file.to_path_buf()));
        }
        let stored = context
            .until_cancelled(self.look_up(file, place, dbname, context))
            .await?;
        if let Some(path) = stored.path()
            && !stored.is_encrypted()?
        {
            return Ok(Source::File(path.to_path_buf()));
        }
        if !as_file {
            return Ok(Source::Elsewhere(stored));
        }
        match offsite::fetch(stored.clone(), place, context).await? {
            (_, Some(copy)) => Ok(Source::Copy(copy, stored)),
            (path, None) => Ok(Source::File(path)),
        }
    }

    async fn look_up(
        &self,
        file: &Path,
        place: &Place,
        dbname: impl FnOnce() -> Result<String>,
        context: &Context,
    ) -> Result<Stored> {
        let now = Zone::of_environment().now();
        let warn = |warning: Option<String>| {
            if let Some(warning) = warning {
                context.observer.event(Event::Warning(warning));
            }
        };
        let latest = file == Path::new("latest");
        match (latest, self.from) {
            (true, From::Offsite) => {
                let (offsite, dbname) = (self.remote.wanted()?, dbname()?);
                warn(offsite.warning_of_ahead(Some(&dbname), now).await?);
                let newest = offsite.latest(&dbname, now).await?;
                let newest = newest.ok_or_else(|| missing(&dbname, &offsite.shown(""), "list --offsite"))?;
                Ok(offsite.stored(&newest).with_identities(self.unlock.identities()?))
            }
            (false, From::Offsite) => {
                let found = self.remote.find(file).await?;
                Ok(found.with_identities(self.unlock.identities()?))
            }
            (true, From::Store) => {
                let (store, dbname) = (place.store()?, dbname()?);
                warn(store.warning_of_ahead(Some(&dbname), now)?);
                let newest = store.latest(&dbname, now)?;
                let shown = format!("the store {}", store.root().display());
                Ok(newest
                    .ok_or_else(|| missing(&dbname, &shown, "list"))?
                    .path
                    .into())
            }
            (false, From::Store) => self.unlock.find(file, place).await,
        }
    }
}

fn missing(dbname: &str, place: &str, list: &str) -> Error {
    Error::failed(format!(
        "there is no whole backup of database {dbname:?} in {place}"
    ))
    .hint(format!(
        "`pgstow {list}` shows the backups there are; name one of them."
    ))
}
