//! `pgstow restore`: says what will be lost, asks, and replays.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::TimeDelta;

use super::store::Place;
use super::{Connection, Context, human, prompt};
use crate::archive::Archive;
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Phase};
use crate::restore::{self, Counts, Extract, MissingRoles, Needs, Options, Selection, TablePattern};
use crate::{Error, Result};

/// Options of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to restore: a file (.sql.gz, .sql.zst, .sql), the name of a backup in the store, "latest" for the newest
    /// verified backup of the database, or "-" for standard input
    #[arg(value_name = "FILE|latest|-")]
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    /// Do not ask
    #[arg(short, long, help_heading = "Restore")]
    yes: bool,
    /// Restore definitions only: no rows, sequence values or large objects' contents
    #[arg(short, long, conflicts_with_all = ["data_only", "table"], help_heading = "Restore")]
    schema_only: bool,
    /// Restore rows, sequence values and large objects' contents only, into what is there
    #[arg(short = 'a', long, help_heading = "Restore")]
    data_only: bool,
    /// With --data-only: restore the rows of these tables only; * and ? stand for any letters. Of a file that pgstow
    /// wrote, only their part is read
    #[arg(
        short,
        long,
        value_name = "[SCHEMA.]TABLE",
        requires = "data_only",
        help_heading = "Restore"
    )]
    table: Vec<TablePattern>,
    /// Restore into a new database of this name, made like the one that the connection names
    #[arg(long, value_name = "NAME", conflicts_with_all = ["swap", "data_only"], help_heading = "Restore")]
    target_db: Option<String>,
    /// Restore into a new database, prove every row, then let it take the live one's name; the live database is not
    /// touched before and stays under another name
    #[arg(long, conflicts_with_all = ["schema_only", "data_only"], help_heading = "Restore")]
    swap: bool,
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
        match (self.schema_only, self.data_only) {
            (true, _) => Selection::Definitions,
            (_, true) if !self.table.is_empty() => Selection::Tables(self.table.clone()),
            (_, true) => Selection::Data,
            _ => Selection::All,
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

/// Where the script comes from.
#[derive(Debug)]
enum Source {
    Standard,
    File(PathBuf),
}

/// Restores a backup.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let settings = args.connection.settings_to_connect(context).await?;
    let source = find(&args, &settings)?;
    let (input, bytes) = open(&source, &args.selection())?;
    context.observer.event(Event::Phase(Phase::Connect));
    let session = context.until_cancelled(connect(&settings)).await?;
    context
        .until_cancelled(preflight(&session, &source, &args, context))
        .await?;
    let target = match &args.target_db {
        Some(name) => format!("database {name:?} on {} will be made", session.host_text()),
        None => {
            let found = context.until_cancelled(describe_target(&session)).await?;
            let fate = if args.swap { "replaced" } else { "overwritten" };
            format!("{found} will be {fate}")
        }
    };
    let warning = format!("{target} from {}", describe(&source, bytes));
    confirm(&args, &warning, context).await?;
    context.observer.event(Event::Total { tables: 0, bytes });
    let options = Options {
        freeze: !args.no_freeze,
        maintenance_work_mem: args.maintenance_work_mem.clone(),
        parallel_maintenance_workers: args.parallel_maintenance_workers,
        missing_roles: args.missing_roles,
        selection: args.selection(),
    };
    let start = Instant::now();
    let told = |e: Error| e.context(name(&source));
    let (observer, cancel) = (&context.observer, &context.cancel);
    if args.swap {
        let Source::File(path) = &source else {
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
        let done = restore::beside(&session, dbname, input, &options, observer, cancel).await;
        report(dbname, &source, done.map_err(told)?, start, context);
    } else {
        let done = restore::run(session, input, &options, observer, cancel).await;
        report(settings.dbname(), &source, done.map_err(told)?, start, context);
    }
    Ok(())
}

fn find(args: &Args, settings: &Settings) -> Result<Source> {
    if args.file == Path::new("-") {
        return Ok(Source::Standard);
    }
    if args.file != Path::new("latest") {
        return args.place.find(&args.file).map(Source::File);
    }
    let store = args.place.store()?;
    match store.latest(settings.dbname())? {
        Some(entry) => Ok(Source::File(entry.path)),
        None => Err(Error::failed(format!(
            "there is no whole backup of database {:?} in the store {}",
            settings.dbname(),
            store.root().display()
        ))
        .hint("`pgstow list` shows the backups there are; name one of them.")),
    }
}

/// The input, and its size in bytes or 0. A file of ours that is not whole is refused before anything is changed.
fn open(source: &Source, selection: &Selection) -> Result<(Box<dyn Read + Send>, u64)> {
    let Source::File(path) = source else {
        return Ok((Box::new(std::io::stdin()), 0));
    };
    let file: File = crate::archive::open_file(path)?;
    let meta = file
        .metadata()
        .map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?;
    // A named pipe has neither size nor end to look at.
    if meta.is_file() {
        Archive::open(path)?;
        if let Some(extract) = Extract::begin(path, selection)? {
            return Ok((Box::new(extract), 0));
        }
    }
    Ok((Box::new(file), if meta.is_file() { meta.len() } else { 0 }))
}

/// What would make it fail, before anybody is asked anything.
async fn preflight(session: &Session, source: &Source, args: &Args, context: &Context) -> Result<()> {
    let (mut needs, mut index) = (Needs::default(), None);
    // What can be read only once is not read for this.
    if let Source::File(path) = source
        && path.is_file()
    {
        let path = path.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let index = Archive::open(&path)?.map(|archive| archive.index().clone());
            Ok((Needs::read(crate::archive::open_file(&path)?), index))
        });
        let read = reading
            .await
            .map_err(|e| Error::failed("reading the file failed").because(e))?;
        (needs, index) = read.map_err(|e: Error| e.context(name(source)))?;
    }
    restore::preflight(
        session,
        &needs,
        index.as_ref(),
        args.missing_roles,
        &*context.observer,
    )
    .await
}

fn name(source: &Source) -> String {
    match source {
        Source::Standard => "standard input".into(),
        Source::File(path) => path.display().to_string(),
    }
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
