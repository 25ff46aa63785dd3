//! `pgstow restore`: says what will be lost, asks, and replays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;

use super::source::{Source, Whence};
use super::store::Place;
use super::{Connection, Context, choose, human, print, prompt};
use crate::archive::{self, Archive};
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Phase};
use crate::finding::{Status, failures};
use crate::restore::{self, Choice, Counts, MissingRoles, Needs, Options, Pattern, Selection, TablePattern};
use crate::{Error, Result};

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
    /// privileges. Not brought: the types, functions, schemas and other tables that they need, and foreign keys of
    /// other tables. * and ? stand for any letters. Of a file that pgstow wrote, only their rows are read
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
    /// Follow the script where it makes databases and goes on in them, as dumps of pg_dump --create and pg_dumpall do.
    /// Each database is a transaction of its own; when it fails, databases that it made are dropped
    #[arg(
        long,
        conflicts_with_all = ["swap", "target_db", "data_only", "table", "schema", "exclude_table"],
        help_heading = "Restore"
    )]
    create: bool,
    /// Connections that fill a new database (--swap, --target-db), which needs a file that pgstow wrote; threads that
    /// decompress ahead of the one connection otherwise [default: processors, at most 4]
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
    /// Memory of the server for each index build, such as 1GB [default: at least 256MB]
    #[arg(long, value_name = "SIZE", help_heading = "Restore")]
    maintenance_work_mem: Option<String>,
    /// Processes of the server that help with an index build [default: up to 4]
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
        return list(source, &args).await;
    }
    let settings = args.connection.settings_to_connect(context).await?;
    let source = find(&args, &file, || Ok(settings.clone()), context).await?;
    let (choice, bytes) = context
        .until_cancelled(look_at(&source, args.selection()))
        .await?;
    context.observer.event(Event::Phase(Phase::Connect));
    let session = context.until_cancelled(connect(&settings)).await?;
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
    let told = |e: Error| e.context(name(&source));
    let (observer, cancel) = (&context.observer, &context.cancel);
    if args.swap {
        let Some(path) = source.path() else {
            return Err(Error::usage(
                "--swap reads the file twice, so it cannot come from standard input",
            ));
        };
        let (done, before) = restore::swap(&settings, path, &options, observer, cancel)
            .await
            .map_err(told)?;
        report(settings.dbname(), &source, done.counts, start, context);
        observer.event(Event::Info(format!(
            "the database as it was is now called {before:?}; drop it when it is no longer needed"
        )));
    } else if let Some(dbname) = &args.target_db {
        let done = restore::beside(&session, dbname, source.open(), &options, observer, cancel).await;
        report(dbname, &source, done.map_err(told)?, start, context);
    } else {
        let script = source.open().script(&options).map_err(told)?;
        let done = restore::run(session, script, &options, observer, cancel).await;
        report(settings.dbname(), &source, done.map_err(told)?, start, context);
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

/// What is to be restored of the input, and its size in bytes or 0. A file of ours that is not whole is refused before
/// anything is changed.
async fn look_at(source: &Source, selection: Selection) -> Result<(Choice, u64)> {
    let path = match (source, source.path()) {
        (_, Some(path)) => path,
        (Source::Elsewhere(stored), _) => {
            // One that is not whole is refused here, too.
            let looked = stored.clone();
            let looking = tokio::task::spawn_blocking(move || looked.archive().map(drop));
            let looked = looking.await;
            looked.map_err(|e| Error::failed("reading the backup failed").because(e))??;
            return Ok((Choice::unread(&selection)?, stored.bytes()));
        }
        _ => return Ok((Choice::unread(&selection)?, 0)),
    };
    let meta = archive::open_file(path)?
        .metadata()
        .map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?;
    // A named pipe has neither size nor end to look at.
    if !meta.is_file() {
        return Ok((Choice::unread(&selection)?, 0));
    }
    let path = path.to_path_buf();
    let reading = tokio::task::spawn_blocking(move || {
        let bytes = match Archive::open(&path)? {
            Some(archive) => archive
                .index()
                .bytes_for(&selection.of_archive(archive.index()), meta.len()),
            None => meta.len(),
        };
        Ok((Choice::of_file(&path, &selection)?, bytes))
    });
    reading
        .await
        .map_err(|e| Error::failed("reading the file failed").because(e))?
}

/// Prints what would be done.
async fn list(source: Source, args: &Args) -> Result<()> {
    let Some(path) = source.path().map(Path::to_path_buf) else {
        return Err(Error::usage("--list needs a file, not standard input"));
    };
    let selection = args.selection();
    let listing = tokio::task::spawn_blocking(move || {
        let choice = Choice::of_file(&path, &selection)?;
        restore::steps(&path, &choice, |step| {
            let rows = step.rows.map(|(rows, bytes)| {
                format!(" -- {}, {}", human::number_of(rows, "row"), human::bytes(bytes))
            });
            print(&format!(
                "{:>8}  {}{}\n",
                step.line,
                step.text,
                rows.unwrap_or_default()
            ))
        })
    });
    listing
        .await
        .map_err(|e| Error::failed("reading the file failed").because(e))?
}

/// What would make it fail, before anybody is asked anything.
async fn preflight(
    session: &Session,
    source: &Source,
    args: &Args,
    options: &Options,
    context: &Context,
) -> Result<()> {
    let mut needs = Needs::default();
    // What can be read only once is not read for this.
    if let Some(path) = source.path()
        && path.is_file()
    {
        let (path, choice, check) = (path.to_path_buf(), options.choice.clone(), args.check);
        let observer = Arc::clone(&context.observer);
        let reading = tokio::task::spawn_blocking(move || {
            if check {
                observer.event(Event::Phase(Phase::Verify));
                archive::verify(&path, &*observer)?;
            }
            Needs::of_file(&path, &choice)
        });
        let read = reading
            .await
            .map_err(|e| Error::failed("reading the file failed").because(e))?;
        needs = read.map_err(|e: Error| e.context(name(source)))?;
    }
    let target = match args.swap || args.create || args.target_db.is_some() {
        true => restore::Target::Beside,
        false => restore::Target::Here,
    };
    let findings = restore::examine(session, &needs, options, target).await?;
    for finding in findings.iter().filter(|f| f.status == Status::Warning) {
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})"));
        let text = format!("{}{}", finding.found, hint.unwrap_or_default());
        context.observer.event(Event::Warning(text));
    }
    failures(&findings).map_or(Ok(()), Err)
}

fn name(source: &Source) -> String {
    source.name()
}

fn describe(source: &Source, bytes: u64) -> String {
    match bytes {
        0 => name(source),
        _ => format!("{} ({})", name(source), human::bytes(bytes)),
    }
}

/// The database with what is in it now.
async fn describe_target(session: &Session) -> Result<String> {
    let query = "SELECT pg_catalog.current_database()::text, \
         (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'), \
         pg_catalog.pg_database_size(pg_catalog.current_database()), \
         (SELECT count(*) FROM pg_catalog.pg_stat_activity \
          WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() \
          AND backend_type = 'client backend')";
    let row = session
        .client
        .query_one(query, &[])
        .await
        .map_err(|e| session.explain(e))?;
    let (dbname, tables, size, others): (String, i64, i64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
    let others = match others {
        0 => String::new(),
        1 => ", 1 other session".to_string(),
        n => format!(", {n} other sessions"),
    };
    Ok(format!(
        "database {dbname:?} on {} ({} tables, {}{others})",
        session.host_text(),
        human::count(unsigned(tables)),
        human::bytes(unsigned(size)),
    ))
}

async fn confirm(args: &Args, warning: &str, context: &Context) -> Result<()> {
    context.observer.event(Event::Warning(warning.to_string()));
    if args.yes {
        return Ok(());
    }
    match prompt::yes_or_no("Overwrite it?", context).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Error::failed("not confirmed, nothing was changed")),
        None => Err(Error::usage("there is no terminal to ask on whether to go on")
            .hint("Add --yes to restore without being asked.")),
    }
}

fn report(dbname: &str, source: &Source, counts: Counts, start: Instant, context: &Context) {
    let took = TimeDelta::from_std(start.elapsed()).unwrap_or_default();
    context.observer.event(Event::Info(format!(
        "Restored database {dbname:?} from {}: {} statements, {} rows into {} tables in {}",
        name(source),
        human::count(counts.statements),
        human::count(counts.rows),
        human::count(counts.tables),
        human::duration(took)
    )));
}
