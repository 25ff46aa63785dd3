//! `pgstow backup`.

use chrono_tz::Tz;

use super::databases::{Databases, named};
use super::notify::Notify;
use super::offsite::{Form, Remote, to};
use super::round::{Json, Round};
use super::select::SelectArgs;
use super::store::{Keep, Place, Wait, Zone};
use super::{Connection, Context, SnapshotArgs};
use crate::archive::Compression;
use crate::backup::Job;
use crate::connect::{Environment, Settings};
use crate::store::offsite::{Address, Offsite};
use crate::{Result, dump, plan};

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
    /// Write straight to this place off the machine instead of the store, without local disk
    #[arg(long, value_name = "URL", value_parser = to, hide_env_values = true, help_heading = "Off-site")]
    to: Option<Address>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    notify: Notify,
    /// Print JSON when done: what came of each database; of `schedule` a line when each is done
    #[arg(long, help_heading = "Backup")]
    pub json: bool,
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

impl Args {
    /// What the user wants, understood.
    pub(super) fn round(&self, settings: Settings) -> Result<Round> {
        let form = |offsite| self.form.destination(offsite);
        let to = match &self.to {
            Some(address) => Some(form(Offsite::open(address, &Environment::of_process())?)),
            None => None,
        };
        let databases = match self.content.all_databases {
            true => Databases::All,
            false => Databases::Named(named(&self.connection, &settings)?),
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
                digests_only: false,
                known: dump::Known::new(),
                jobs: self.content.jobs.map(usize::from),
            },
            offsite: self.remote.given()?.map(form),
        };
        Ok(Round {
            job,
            databases,
            globals: self.content.globals,
            to,
            notify: self.notify.clone(),
            json: if self.json { Json::Array } else { Json::No },
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
