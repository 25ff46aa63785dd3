//! `pgstow backup`.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::store::{Keep, Place, Wait};
use super::{Connection, Context, human};
use crate::Result;
use crate::archive::Compression;
use crate::backup::{self, Backup, Job};
use crate::connect::{Settings, SnapshotOptions};
use crate::event::Event;
use crate::{dump, plan};

/// Options of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    content: Content,
}

/// What a backup contains, and how it is made.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Backup")]
struct Content {
    /// Keep who owns what (pg_dump without --no-owner)
    #[arg(long, env = "BACKUP_OWNERS", value_parser = clap::builder::FalseyValueParser::new())]
    owners: bool,
    /// Keep privileges (pg_dump without --no-privileges)
    #[arg(long, env = "BACKUP_PRIVILEGES", value_parser = clap::builder::FalseyValueParser::new())]
    privileges: bool,
    /// Connections that read rows at the same time [default: the number of processors, at most 4]
    #[arg(short, long, value_name = "N", env = "BACKUP_JOBS", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Compression: gzip, gzip:1 to gzip:9, zstd, zstd:1 to zstd:9, none
    #[arg(
        short = 'Z',
        long,
        value_name = "METHOD",
        env = "BACKUP_COMPRESS",
        default_value = "gzip"
    )]
    compress: Compression,
}

impl Args {
    /// What the user wants, understood.
    pub(super) fn job(&self, settings: Settings) -> Job {
        Job {
            settings,
            directory: self.place.backup_dir.clone(),
            zone: self.place.time_zone,
            rules: self.keep.rules(),
            lock_wait: self.wait.lock_wait,
            dump: dump::Request {
                snapshot: SnapshotOptions::default(),
                plan: plan::Options {
                    clean: true,
                    if_exists: true,
                    owners: self.content.owners,
                    privileges: self.content.privileges,
                },
                compression: self.content.compress,
                jobs: self.content.jobs.map(usize::from),
            },
        }
    }

    /// The zone of the schedule.
    pub(super) fn zone(&self) -> Tz {
        self.place.time_zone
    }
}

/// Backs the database up once.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let settings = args.connection.settings_to_connect(context).await?;
    once(&args.job(settings), context).await
}

/// Backs the database up once, and says so.
pub(super) async fn once(job: &Job, context: &Context) -> Result<()> {
    let backup = backup::run(job, &context.observer, &context.cancel).await?;
    for line in report(job, &backup) {
        context.observer.event(Event::Info(line));
    }
    Ok(())
}

/// What is said of a finished backup. The last line is the one that alerts look for.
fn report(job: &Job, backup: &Backup) -> Vec<String> {
    let mut lines = vec![format!(
        "{} at {}: {} of {} in {}",
        job.settings.dbname(),
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
