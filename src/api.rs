//! The front door for programs: a backup, a restore and an archive, each a builder with typed options.
//!
//! Nothing here prints, exits, reads the command line or keeps global state. What happens is told as [`Event`]s, to a
//! callback or as a stream; work ends early when its [`CancellationToken`] is cancelled, or its future dropped.
//!
//! ```no_run
//! # async fn example() -> pgstow::Result<()> {
//! use pgstow::connect::Settings;
//!
//! let settings = Settings::resolve(Some("postgresql://app@db.example.org/app"))?;
//! let made = pgstow::Backup::new(settings, "/var/backups/app").run().await?;
//! println!("{} with {} rows", made.path.display(), made.rows);
//!
//! let copy = Settings::resolve(Some("postgresql://app@localhost/app_copy"))?;
//! pgstow::Restore::new(copy).file(&made.path).await?;
//! # Ok(())
//! # }
//! ```

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::archive::{Compression, Summary};
use crate::backup::{self, Job};
use crate::catalog::Filter;
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Observer, Phase, Silent};
use crate::restore::{self, Choice, Counts, Script, Selection, TestRestore};
use crate::store::Pending;
use crate::store::retention::Rules;
use crate::{Error, Result, dump, plan};

/// Whom to tell, and who may stop the work: what every builder takes.
#[derive(Clone)]
struct Run {
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            observer: Arc::new(Silent),
            cancel: CancellationToken::new(),
        }
    }
}

/// The two setters that every builder has.
macro_rules! runs {
    () => {
        /// Tells this observer what happens: a closure that takes an [`Event`], or the sender of
        /// [`events`](crate::event::events).
        #[must_use]
        pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
            self.run.observer = Arc::new(observer);
            self
        }

        /// Ends the work, with an error of the kind `Interrupted`, once this token is cancelled.
        #[must_use]
        pub fn cancel(mut self, cancel: CancellationToken) -> Self {
            self.run.cancel = cancel;
            self
        }
    };
}

/// A dump of one database, to a file or any writer.
#[derive(Clone)]
pub struct Dump {
    settings: Settings,
    request: dump::Request,
    run: Run,
}

impl Dump {
    /// Everything in the database that the settings name, as `pgstow dump` has it: gzip, with owners and privileges.
    pub fn new(settings: Settings) -> Dump {
        Dump {
            settings,
            request: dump::Request::default(),
            run: Run::default(),
        }
    }

    runs!();

    /// What the dump contains, in which form.
    #[must_use]
    pub fn options(mut self, options: plan::Options) -> Self {
        self.request.plan = options;
        self
    }

    /// Only some of the database's objects.
    ///
    /// ```
    /// use pgstow::catalog::Filter;
    ///
    /// let filter = Filter {
    ///     schemas: vec!["sales".parse()?, "\"Odd.Name\"".parse()?],
    ///     ..Filter::default()
    /// };
    /// # let settings = pgstow::connect::Settings::resolve(Some("postgresql://app@localhost/app"))?;
    /// let dump = pgstow::Dump::new(settings).filter(filter);
    /// # Ok::<(), pgstow::Error>(())
    /// ```
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.request.filter = filter;
        self
    }

    /// The container and its level.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.request.compression = compression;
        self
    }

    /// Connections that read rows at the same time, from 1. Without it: as many as there are processors, at most 4.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.request.jobs = Some(jobs);
        self
    }

    /// Everything else that can be asked for.
    #[must_use]
    pub fn request(mut self, change: impl FnOnce(&mut dump::Request)) -> Self {
        change(&mut self.request);
        self
    }

    /// Writes the dump, and gives the writer back, flushed, with what the dump's index says.
    ///
    /// # Errors
    /// What was written by then is no dump: it has no end marker.
    pub async fn to_writer<W: Write + Send + 'static>(&self, out: W) -> Result<(W, Summary)> {
        let (observer, cancel) = (Arc::clone(&self.run.observer), &self.run.cancel);
        dump::database(&self.settings, &self.request, out, observer, cancel).await
    }

    /// Writes the dump under a temporary name, reads it back, and gives it its name: the file is whole or not there.
    ///
    /// # Errors
    /// An older file of the name is as it was.
    pub async fn to_file(&self, path: impl AsRef<Path>) -> Result<Summary> {
        let pending = Pending::create(path.as_ref(), 0o600)?;
        let (out, summary) = self.to_writer(pending.to_writer()?).await?;
        drop(out);
        self.run.observer.event(Event::Phase(Phase::Verify));
        let summary = pending.read_back(summary, &self.run.cancel).await?;
        pending.commit()?;
        Ok(summary)
    }
}

/// A backup into a store: a directory with daily and weekly files, older ones going by rules.
#[derive(Clone)]
pub struct Backup {
    job: Job,
    run: Run,
}

impl Backup {
    /// As `pgstow backup` makes it ([`Job::new`]).
    pub fn new(settings: Settings, store: impl Into<PathBuf>) -> Backup {
        Backup {
            job: Job::new(settings, store),
            run: Run::default(),
        }
    }

    runs!();

    /// How long backups are kept.
    #[must_use]
    pub fn keep(mut self, rules: Rules) -> Self {
        self.job.rules = rules;
        self
    }

    /// The time zone of the times in file names.
    #[must_use]
    pub fn zone(mut self, zone: Tz) -> Self {
        self.job.zone = zone;
        self
    }

    /// Only some of the database's objects.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.job.dump.filter = filter;
        self
    }

    /// Everything else that can be asked for.
    #[must_use]
    pub fn job(mut self, change: impl FnOnce(&mut Job)) -> Self {
        change(&mut self.job);
        self
    }

    /// Makes the backup: dumps, reads back, gives it its name, lets older ones go.
    ///
    /// # Errors
    /// The earlier backups stay, and no unfinished file has a backup's name.
    pub async fn run(&self) -> Result<backup::Finished> {
        backup::run(&self.job, &self.run.observer, &self.run.cancel).await
    }
}

/// A restore of a script, compressed or not: in one transaction, or into a database made for it.
#[derive(Clone)]
pub struct Restore {
    settings: Settings,
    options: restore::Options,
    selection: Selection,
    run: Run,
}

impl Restore {
    /// All of it, into the database that the settings name.
    pub fn new(settings: Settings) -> Restore {
        Restore {
            settings,
            options: restore::Options::default(),
            selection: Selection::default(),
            run: Run::default(),
        }
    }

    runs!();

    /// How to restore. Which part is what [`Restore::select`] says.
    #[must_use]
    pub fn options(mut self, options: restore::Options) -> Self {
        self.options = options;
        self
    }

    /// Only a part of it.
    ///
    /// ```
    /// use pgstow::restore::Selection;
    ///
    /// let part = Selection {
    ///     tables: vec!["sales.order*".parse()?],
    ///     ..Selection::default()
    /// };
    /// # let settings = pgstow::connect::Settings::resolve(Some("postgresql://app@localhost/app"))?;
    /// let restore = pgstow::Restore::new(settings).select(part);
    /// # Ok::<(), pgstow::Error>(())
    /// ```
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Replays a file in one transaction. One of pgstow's that is not whole is refused before anything is changed.
    ///
    /// With [`create`](restore::Options::create) it is a transaction a database: where the future is dropped before its
    /// end, databases and tablespaces that the script has made stay.
    ///
    /// # Errors
    /// The database is as it was.
    pub async fn file(&self, path: impl AsRef<Path>) -> Result<Counts> {
        let path = path.as_ref().to_path_buf();
        let (file, selection) = (path.clone(), self.selection.clone());
        let reading = tokio::task::spawn_blocking(move || Choice::of_file(&file, &selection));
        let read = reading
            .await
            .map_err(|e| Error::failed("reading the file failed").because(e))?;
        let options = self.options_with(read?);
        let script = restore::Source::File(path).script(&options)?;
        self.script(script, &options).await
    }

    /// Replays whatever can be read to its end, in one transaction. A part with definitions needs a file.
    ///
    /// # Errors
    /// The database is as it was.
    pub async fn reader(&self, input: impl Read + Send + 'static) -> Result<Counts> {
        let options = self.options_with(Choice::unread(&self.selection)?);
        self.script(Script::stream(input), &options).await
    }

    /// Restores all of a file into a new database of this name, made like the one that the settings name, over several
    /// connections where the file has an index.
    ///
    /// Where the future is dropped before its end, the new database is dropped by a task of the runtime, so as long as
    /// that runs.
    ///
    /// # Errors
    /// The new database is gone again.
    pub async fn beside(&self, dbname: &str, path: impl AsRef<Path>) -> Result<Counts> {
        let source = restore::Source::File(path.as_ref().to_path_buf());
        let Run { observer, cancel } = &self.run;
        restore::beside(&self.settings, dbname, source, &self.options, observer, cancel).await
    }

    /// Restores all of a file into a new database, proves every row, and lets it take the name of the one that the
    /// settings name, which stays under the name that is returned.
    ///
    /// Where the future is dropped before its end, the new database is dropped by a task of the runtime, so as long as
    /// that runs.
    ///
    /// # Errors
    /// The new database is gone again, and the live one has not been touched.
    pub async fn swap(&self, path: impl AsRef<Path>) -> Result<(TestRestore, String)> {
        let Run { observer, cancel } = &self.run;
        restore::swap(&self.settings, path.as_ref(), &self.options, observer, cancel).await
    }

    fn options_with(&self, choice: Choice) -> restore::Options {
        restore::Options {
            choice,
            ..self.options.clone()
        }
    }

    async fn connect(&self) -> Result<Session> {
        tokio::select! {
            () = self.run.cancel.cancelled() => Err(Error::interrupted()),
            session = connect(&self.settings) => session,
        }
    }

    async fn script(&self, script: Script, options: &restore::Options) -> Result<Counts> {
        let session = self.connect().await?;
        restore::run(session, script, options, &self.run.observer, &self.run.cancel).await
    }
}
