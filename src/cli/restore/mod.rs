//! `pgstow restore`: says what will be lost, asks, and replays.

mod before;
mod report;

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::source::{Source, Whence};
use super::store::Place;
use super::{Connection, Context, choose, human};
use crate::connect::{Settings, connect};
use crate::event::{Event, Phase};
use crate::restore::{self, Choice, Counts, MissingRoles, Options, Pattern, Selection, TablePattern};
use crate::{Error, Result};
use before::{confirm, describe_target, look_at, preflight};

/// Options of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to restore: a file (.sql.gz, .sql.zst, .sql), the name of a backup in the store, its address off this machine
    /// (s3://...), "latest" for the newest verified backup of the database, or "-" for standard input [default: asks, at a
    /// terminal]
    #[arg(value_name = "FILE|URL|latest|-")]
    file: Option<PathBuf>,
    #[command(flatten)]
    whence: Whence,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    /// Read the whole file and prove it before anything is changed, at the cost of reading it twice
    #[arg(long, help_heading = "Restore")]
    check: bool,
    /// Do not ask
    #[arg(short, long, help_heading = "Restore")]
    yes: bool,
    /// Restore definitions only: no rows, sequence values or large objects' contents
    #[arg(
        short,
        long,
        conflicts_with = "data_only",
        help_heading = "Part of the backup"
    )]
    schema_only: bool,
    /// Restore rows, sequence values and large objects' contents only, into what is there
    #[arg(short = 'a', long, help_heading = "Part of the backup")]
    data_only: bool,
    /// Restore these tables (views, sequences) only, with their indexes, constraints, triggers, own sequences and
    /// privileges. Not brought: the types, functions, schemas and other tables that they need, foreign keys of
    /// other tables, and that a partition is part of a table which is not chosen, too. Patterns are psql's: * and ? stand for any letters, (a|b) for either; a name without a schema
    /// means one in any. Of a file that pgstow wrote, only their rows are read
    #[arg(
        short,
        long,
        value_name = "[SCHEMA.]TABLE",
        help_heading = "Part of the backup"
    )]
    table: Vec<TablePattern>,
    /// Restore what is in these schemas only, and the schemas
    #[arg(short = 'n', long, value_name = "SCHEMA", help_heading = "Part of the backup")]
    schema: Vec<Pattern>,
    /// Do not restore these tables, nor what belongs to them
    #[arg(
        short = 'T',
        long,
        value_name = "[SCHEMA.]TABLE",
        help_heading = "Part of the backup"
    )]
    exclude_table: Vec<TablePattern>,
    /// Print what would be done and do nothing; no server is needed
    #[arg(short, long, conflicts_with_all = ["swap", "target_db"], help_heading = "Part of the backup")]
    list: bool,
    /// Restore into a new database of this name, made like the one that the connection names
    #[arg(long, value_name = "NAME", conflicts_with_all = ["swap", "data_only"], help_heading = "Restore")]
    target_db: Option<String>,
    /// Restore into a new database, prove every row, then let it take the live one's name; the live database is not
    /// touched before and stays under another name
    #[arg(
        long,
        conflicts_with_all = ["schema_only", "data_only", "table", "schema", "exclude_table"],
        help_heading = "Restore"
    )]
    swap: bool,
    /// Follow the script where it makes tablespaces, or databases and goes on in them, as dumps of pg_dump --create and
    /// pg_dumpall do. Each database is a transaction of its own; when it fails, databases and tablespaces that it made are
    /// dropped
    #[arg(
        long,
        conflicts_with_all = ["swap", "target_db", "data_only", "table", "schema", "exclude_table"],
        help_heading = "Restore"
    )]
    create: bool,
    /// Print JSON when done: what was restored; with --list an array of what would be
    #[arg(long, help_heading = "Restore")]
    pub json: bool,
    /// Connections that fill a new database (--swap, --target-db), which needs a file that pgstow wrote; with --swap, up
    /// to as many again read tables back meanwhile. Threads that decompress ahead of the one connection otherwise
    /// [default: processors, at most 4]
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Restore")]
    jobs: Option<u16>,
    /// Do not freeze rows as they load (COPY FREEZE)
    #[arg(long, help_heading = "Restore")]
    no_freeze: bool,
    /// What to do where the script gives something to a role that does not exist
    #[arg(
        long,
        value_name = "fail|skip|create",
        value_parser = missing_roles,
        default_value = "fail",
        help_heading = "Restore"
    )]
    missing_roles: MissingRoles,
    /// Memory of the server for each index build, such as 1GB [default: at least 256MB; where several connections fill a
    /// new database 32MB for B-trees of tables that are no larger than 1GB in the file, which is faster]
    #[arg(long, value_name = "SIZE", help_heading = "Restore")]
    maintenance_work_mem: Option<String>,
    /// Processes of the server that help with an index build [default: up to 4; where several connections fill a new
    /// database, up to as many as there are processors here which they leave idle]
    #[arg(long, value_name = "NUMBER", help_heading = "Restore")]
    parallel_maintenance_workers: Option<u16>,
}

impl Args {
    fn selection(&self) -> Selection {
        Selection {
            definitions: !self.data_only,
            rows: !self.schema_only,
            tables: self.table.clone(),
            schemas: self.schema.clone(),
            exclude_tables: self.exclude_table.clone(),
        }
    }

    fn options(&self, choice: Choice) -> Options {
        Options {
            freeze: !self.no_freeze,
            maintenance_work_mem: self.maintenance_work_mem.clone(),
            parallel_maintenance_workers: self.parallel_maintenance_workers,
            missing_roles: self.missing_roles,
            choice,
            create: self.create,
            jobs: self.jobs.map_or_else(restore::default_jobs, usize::from),
        }
    }
}

fn missing_roles(text: &str) -> Result<MissingRoles, String> {
    match text {
        "fail" => Ok(MissingRoles::Fail),
        "skip" => Ok(MissingRoles::Skip),
        "create" => Ok(MissingRoles::Create),
        _ => Err("expected fail, skip or create".into()),
    }
}

/// Restores a backup.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => {
            let settings = args.connection.settings()?;
            choose::backup(&args.place, settings.dbname(), context).await?
        }
    };
    if args.list {
        let source = find(&args, &file, || args.connection.settings(), context).await?;
        return report::list(source, &args).await;
    }
    let settings = args.connection.settings_to_connect(context).await?;
    let source = find(&args, &file, || Ok(settings.clone()), context).await?;
    for (wanted, what) in [(args.swap, "--swap"), (args.check, "--check")] {
        if wanted {
            source.check_file(what)?;
        }
    }
    let (choice, bytes) = context
        .until_cancelled(look_at(&source, args.selection()))
        .await?;
    context.observer.event(Event::Phase(Phase::Connect));
    let session = context.until_cancelled(connect(&settings)).await?;
    context.until_cancelled(restore::stay_connected(&session)).await?;
    let options = args.options(choice);
    context
        .until_cancelled(preflight(&session, &source, &args, &options, context))
        .await?;
    let target = match &args.target_db {
        Some(name) => format!("database {name:?} on {} will be made", session.host_text()),
        None if args.create => format!(
            "databases that the script names on {} will be made or overwritten",
            session.host_text()
        ),
        None => {
            let found = context.until_cancelled(describe_target(&session)).await?;
            let fate = if args.swap { "replaced" } else { "overwritten" };
            format!("{found} will be {fate}")
        }
    };
    let warning = format!("{target} from {}", describe(&source, bytes));
    confirm(&args, &warning, context).await?;
    context.observer.event(Event::Total { tables: 0, bytes });
    let start = Instant::now();
    let told = |e: Error| e.context(source.name());
    let (observer, cancel) = (&context.observer, &context.cancel);
    let report = |dbname: Option<&str>, before: Option<&str>, counts: Counts| {
        report::done(&args, &source, dbname, before, counts, start, context)
    };
    if args.swap {
        let path = source.check_file("--swap")?;
        // It would only be one more to be ended before the exchange.
        drop(session);
        let (done, before) = restore::swap(&settings, path, &options, observer, cancel)
            .await
            .map_err(told)?;
        report(Some(settings.dbname()), Some(before.as_str()), done.counts)?;
    } else if let Some(dbname) = &args.target_db {
        let done = restore::beside(
            &settings,
            dbname,
            source.open().map_err(told)?,
            &options,
            observer,
            cancel,
        )
        .await;
        report(Some(dbname.as_str()), None, done.map_err(told)?)?;
    } else {
        let script = source
            .open()
            .and_then(|source| source.script(&options))
            .map_err(told)?;
        let done = restore::run(session, script, &options, observer, cancel).await;
        // Where the script goes from database to database, none is the one.
        let dbname = (!args.create).then(|| settings.dbname());
        report(dbname, None, done.map_err(told)?)?;
    }
    Ok(())
}

async fn find(
    args: &Args,
    file: &Path,
    settings: impl FnOnce() -> Result<Settings>,
    context: &Context,
) -> Result<Source> {
    let part = !args.table.is_empty() || !args.schema.is_empty() || !args.exclude_table.is_empty();
    let as_file = part || args.swap || args.list || args.check || args.schema_only || args.data_only;
    let dbname = || Ok(settings()?.dbname().to_string());
    let finding = args.whence.find(file, &args.place, dbname, as_file, context);
    finding.await
}

fn describe(source: &Source, bytes: u64) -> String {
    match bytes {
        0 => source.name(),
        _ => format!("{} ({})", source.name(), human::bytes(bytes)),
    }
}
