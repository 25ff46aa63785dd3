//! `pgstow backup`.

use std::path::Path;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::databases::{Databases, named};
use super::notify::Notify;
use super::select::SelectArgs;
use super::store::{Keep, Place, Wait, Zone};
use super::{Connection, Context, SnapshotArgs, human, log};
use crate::archive::Compression;
use crate::backup::{self, Backup, Job};
use crate::connect::Settings;
use crate::error::Kind;
use crate::event::Event;
use crate::schedule::status::Scope;
use crate::{Error, Result, dump, plan};

/// Options of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    notify: Notify,
}

/// What a backup contains, and how it is made.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Backup")]
struct Content {
    /// Back up every database of the server but templates, each into its own file
    #[arg(long, env = "BACKUP_ALL_DATABASES", value_parser = clap::builder::FalseyValueParser::new())]
    all_databases: bool,
    /// Also back up roles and tablespaces (pg_dumpall --globals-only); needs a superuser
    #[arg(long, env = "BACKUP_GLOBALS", value_parser = clap::builder::FalseyValueParser::new())]
    globals: bool,
    /// Keep who owns what (pg_dump without --no-owner)
    #[arg(long, env = "BACKUP_OWNERS", value_parser = clap::builder::FalseyValueParser::new())]
    owners: bool,
    /// Keep privileges (pg_dump without --no-privileges)
    #[arg(long, env = "BACKUP_PRIVILEGES", value_parser = clap::builder::FalseyValueParser::new())]
    privileges: bool,
    /// Connections that read rows at the same time [default: the number of processors, at most 4]
    #[arg(short, long, value_name = "N", env = "BACKUP_JOBS", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Compression: gzip (fastest, no larger than gzip -6 makes it), gzip:2 to gzip:9 (smaller, slower), zstd, zstd:1 to zstd:9, none
    #[arg(
        short = 'Z',
        long,
        value_name = "METHOD",
        env = "BACKUP_COMPRESS",
        default_value = "gzip"
    )]
    compress: Compression,
}

/// What is to be done in one run: the same for each database.
pub(super) struct Round {
    job: Job,
    databases: Databases,
    globals: bool,
    notify: Notify,
}

impl Args {
    /// What the user wants, understood.
    pub(super) fn round(&self, settings: Settings) -> Result<Round> {
        let databases = match self.content.all_databases {
            true => Databases::All,
            false => Databases::Named(named(&self.connection, &settings)),
        };
        let filter = self.select.filter()?;
        let mut plan = plan::Options {
            clean: true,
            if_exists: true,
            owners: self.content.owners,
            privileges: self.content.privileges,
            ..plan::Options::default()
        };
        self.select.apply(&mut plan);
        let job = Job {
            settings,
            globals: false,
            directory: self.place.backup_dir.clone(),
            zone: self.zone.time_zone,
            clock: chrono::Utc::now,
            rules: self.keep.rules(),
            lock_wait: self.wait.lock_wait,
            dump: dump::Request {
                snapshot: self.select.snapshot(self.snapshot.options(), &filter),
                plan,
                filter,
                lock_wait_timeout: self.select.lock_wait_timeout(),
                compression: self.content.compress,
                check_members: true,
                jobs: self.content.jobs.map(usize::from),
            },
        };
        Ok(Round {
            job,
            databases,
            globals: self.content.globals,
            notify: self.notify.clone(),
        })
    }

    /// Complete settings, for nobody to be asked.
    pub(super) fn settings(&self) -> Result<Settings> {
        self.connection.settings()
    }

    /// The zone of the schedule.
    pub(super) fn zone(&self) -> Tz {
        self.zone.time_zone
    }
}

/// Backs up what the options name.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let settings = args.connection.settings_to_connect(context).await?;
    args.round(settings)?.run(context).await
}

impl Round {
    /// Backs up each database. One that fails is told, and does not keep the others from their turn.
    pub(super) async fn run(&self, context: &Context) -> Result<()> {
        self.notify.begin(context).await;
        let result = self.each(context).await;
        let interrupted = result.as_ref().is_err_and(|e| e.kind() == Kind::Interrupted);
        if !interrupted {
            self.notify.end(result.as_ref().err(), context).await;
        }
        result
    }

    async fn each(&self, context: &Context) -> Result<()> {
        let listing = self.databases.names(&self.job.settings);
        let names = context.until_cancelled(listing).await?;
        let mut jobs: Vec<Job> = names.iter().map(|name| self.job_for(name, false)).collect();
        if self.globals {
            // Any database will do to ask; the first one is at least named by the user.
            let first = names.first().map_or("postgres", String::as_str);
            jobs.push(self.job_for(first, true));
        }
        let mut failures: Vec<(&str, Error)> = Vec::new();
        for job in &jobs {
            let error = match self.once(job, context).await {
                Ok(()) => continue,
                Err(e) if e.kind() == Kind::Interrupted => return Err(e),
                Err(e) => e,
            };
            self.notify.failed(job.subject(), &error, context).await;
            if jobs.len() == 1 {
                return Err(error);
            }
            let error = error.context(job.subject());
            log::error(&error);
            failures.push((job.subject(), error));
        }
        summary(&failures, jobs.len())
    }

    fn job_for(&self, database: &str, globals: bool) -> Job {
        Job {
            settings: self.job.settings.with_dbname(database),
            globals,
            ..self.job.clone()
        }
    }

    /// Makes one backup, and says so.
    async fn once(&self, job: &Job, context: &Context) -> Result<()> {
        let backup = backup::run(job, &context.observer, &context.cancel).await?;
        for line in report(job, &backup) {
            context.observer.event(Event::Info(line));
        }
        self.notify.succeeded(job.subject(), &backup, context).await;
        Ok(())
    }

    /// The store's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.job.directory
    }

    /// What a status is gathered from.
    pub(super) fn scope(&self, max_age: TimeDelta) -> Scope {
        Scope {
            directory: self.job.directory.clone(),
            zone: self.job.zone,
            expected: match &self.databases {
                Databases::Named(names) => names.clone(),
                Databases::All => Vec::new(),
            },
            rules: self.job.rules,
            max_age,
        }
    }

    /// The databases.
    pub(super) fn databases(&self) -> &Databases {
        &self.databases
    }
}

/// The error for those of `total` backups that failed, if any did; each has been told by then.
fn summary(failures: &[(&str, Error)], total: usize) -> Result<()> {
    let Some((_, first)) = failures.first() else {
        return Ok(());
    };
    let same = failures.iter().all(|(_, e)| e.kind() == first.kind());
    let kind = if same { first.kind() } else { Kind::Failed };
    let names: Vec<&str> = failures.iter().map(|(name, _)| *name).collect();
    let text = format!("{} of {total} backups failed: {}", names.len(), names.join(", "));
    Err(Error::new(kind, text))
}

/// What is said of a finished backup. The last line is the one that alerts look for.
fn report(job: &Job, backup: &Backup) -> Vec<String> {
    let mut lines = vec![format!(
        "{} at {}: {} of {} in {}",
        job.subject(),
        job.settings.host_text(),
        human::number_of(backup.rows, "row"),
        human::number_of(backup.tables, "table"),
        human::duration(TimeDelta::from_std(backup.took).unwrap_or_default()),
    )];
    lines.push(format!("written to {}", backup.path.display()));
    if let Some(weekly) = &backup.weekly {
        lines.push(format!("weekly copy {}", weekly.display()));
    }
    for judged in &backup.rotated {
        lines.push(format!(
            "deleted {} ({})",
            judged.entry.path.display(),
            judged.verdict
        ));
    }
    lines.push(format!(
        "Backup created successfully: {}",
        human::bytes(backup.bytes)
    ));
    lines
}
