//! `pgstow dump`: a dump outside the store, to a file or standard output.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::select::SelectArgs;
use super::{Connection, Context, SnapshotArgs, human, print_json};
use crate::archive::{Compression, Summary, name_output};
use crate::event::{Event, Phase};
use crate::plan::{self, Inserts, Sections};
use crate::store::{Pending, remove_stale};
use crate::{Error, Result, dump};

/// Options of `dump`, named as pg_dump names them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Database, as with --dbname
    #[arg(value_name = "DBNAME", conflicts_with = "dbname")]
    database: Option<String>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    content: Content,
    #[command(flatten)]
    rows: RowArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    foreign: Foreign,
}

/// Where the dump goes, and how.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// gzip[:LEVEL], zstd[:LEVEL] (levels 1 to 9), a level of gzip alone, or none [default: by the file's name: gzip for
    /// .gz, zstd for .zst, else none]
    #[arg(short = 'Z', long, value_name = "METHOD", value_parser = compression)]
    compress: Option<Compression>,
    /// Decode and compare each gzip member before it is written, as `backup` does
    #[arg(long)]
    check_members: bool,
    /// Connections that read rows at the same time [default: the number of processors, at most 4]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Print JSON about the file when done; needs --file
    #[arg(long, requires = "file")]
    json: bool,
    /// Do not wait until the file is safely on the disk
    #[arg(long)]
    no_sync: bool,
    /// Encoding of the file, such as LATIN1 [default: UTF8]
    #[arg(short = 'E', long, value_name = "ENCODING")]
    encoding: Option<String>,
    /// Write psql's \\restrict with this key around the script, which psql before August 2025 does not know
    #[arg(long, value_name = "KEY", value_parser = restrict_key)]
    restrict_key: Option<String>,
}

/// Definitions, rows, and their form.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Content")]
struct Content {
    /// Only rows and values of sequences, no definitions; rows that others refer to come first
    #[arg(short = 'a', long, conflicts_with_all = ["clean", "schema_only", "no_data"])]
    data_only: bool,
    /// Only the definitions of objects, no rows
    #[arg(short, long, conflicts_with = "no_schema")]
    schema_only: bool,
    /// No rows
    #[arg(long)]
    no_data: bool,
    /// No definitions
    #[arg(long, conflicts_with_all = ["clean", "no_data"])]
    no_schema: bool,
    /// Only this section: pre-data, data or post-data; may be given several times
    #[arg(long, value_name = "SECTION", conflicts_with_all = ["schema_only", "data_only"])]
    section: Vec<SectionName>,
    /// Also what the planner knows about tables and indexes, for servers of 18 and newer
    #[arg(long, conflicts_with_all = ["schema_only", "data_only"])]
    statistics: bool,
    /// Nothing but what the planner knows
    #[arg(long, conflicts_with_all = ["schema_only", "data_only", "clean", "section"])]
    statistics_only: bool,
    /// Values of sequences, even without rows
    #[arg(long)]
    sequence_data: bool,
    /// Begin with making the database itself, with its settings, and going into it
    #[arg(short = 'C', long)]
    create: bool,
    /// Drop each object before creating it
    #[arg(short, long)]
    clean: bool,
    /// Drop with IF EXISTS
    #[arg(long, requires = "clean")]
    if_exists: bool,
    /// Leave out who owns what
    #[arg(short = 'O', long)]
    no_owner: bool,
    /// Leave out privileges (GRANT and REVOKE)
    #[arg(short = 'x', long, visible_alias = "no-acl")]
    no_privileges: bool,
}

/// The form of rows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rows")]
struct RowArgs {
    /// Rows as INSERT statements, for other databases: many times slower to restore
    #[arg(long)]
    inserts: bool,
    /// Rows as INSERT statements that name their columns
    #[arg(long)]
    column_inserts: bool,
    /// Rows in one INSERT statement; implies --inserts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rows_per_insert: Option<u32>,
    /// Let INSERT statements pass over rows that are there already
    #[arg(long)]
    on_conflict_do_nothing: bool,
    /// With --data-only: fire no triggers while rows load, foreign keys' checks included
    #[arg(long)]
    disable_triggers: bool,
    /// The superuser who may disable triggers [default: who restores]
    #[arg(short = 'S', long, value_name = "ROLE")]
    superuser: Option<String>,
}

/// What pg_dump has and a plain script cannot have, and what is always so here.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For pg_dump's sake")]
struct Foreign {
    /// p or plain, the only format
    #[arg(short = 'F', long, value_name = "FORMAT", value_parser = format)]
    format: Option<String>,
    /// Taken and ignored: progress is shown in any case
    #[arg(short, long)]
    verbose: bool,
    /// Taken and ignored: fsync is the one method
    #[arg(long, value_name = "METHOD")]
    sync_method: Option<String>,
    /// Taken and ignored: without --statistics there are none
    #[arg(long, conflicts_with_all = ["statistics", "statistics_only"])]
    no_statistics: bool,
    #[arg(long, hide = true)]
    binary_upgrade: bool,
    #[arg(long, hide = true)]
    disable_dollar_quoting: bool,
    #[arg(long, hide = true)]
    use_set_session_authorization: bool,
}

impl Foreign {
    /// Says why an option of pg_dump's is not taken, if one was given.
    fn check(&self) -> Result<()> {
        let refused = [
            (
                self.binary_upgrade,
                "--binary-upgrade",
                "only pg_upgrade can use such a dump",
            ),
            (
                self.disable_dollar_quoting,
                "--disable-dollar-quoting",
                "the bodies of functions are dollar-quoted, which every PostgreSQL reads",
            ),
            (
                self.use_set_session_authorization,
                "--use-set-session-authorization",
                "owners are set by ALTER ... OWNER TO, which needs no superuser",
            ),
        ];
        match refused.iter().find(|(given, ..)| *given) {
            None => Ok(()),
            Some((_, option, why)) => Err(Error::usage(format!("{option} is not taken: {why}"))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SectionName {
    PreData,
    Data,
    PostData,
}

fn format(text: &str) -> Result<String, String> {
    match text {
        "p" | "plain" => Ok(text.to_string()),
        "c" | "custom" | "d" | "directory" | "t" | "tar" => Err(
            "pgstow writes one plain SQL file, which is dumped in parallel and restored table by table all the same: \
             expected p or plain"
                .into(),
        ),
        _ => Err("expected p or plain".into()),
    }
}

fn restrict_key(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        true => Ok(text.to_string()),
        false => Err("expected letters and digits".into()),
    }
}

/// As pg_dump spells it: a bare number is a level of gzip, `level=` may stand before one.
fn compression(text: &str) -> Result<Compression, Error> {
    if text == "0" {
        return Ok(Compression::None);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return format!("gzip:{text}").parse();
    }
    text.replacen(":level=", ":", 1).parse()
}

/// Dumps a database.
pub async fn run(mut args: Args, context: &Context) -> Result<()> {
    args.foreign.check()?;
    if let Some(database) = args.database.take() {
        args.connection.dbname = Some(database);
    }
    let file = args.output.file.as_deref();
    let to_stdout = file.is_none_or(|file| file == Path::new("-"));
    let request = args.request()?;
    if to_stdout && args.output.json {
        return Err(
            Error::usage("standard output is for the dump, so --json has no place there")
                .hint("Name a file with --file."),
        );
    }
    if to_stdout && request.compression != Compression::None && std::io::stdout().is_terminal() {
        return Err(
            Error::usage("standard output is a terminal, and compressed bytes are not for reading")
                .hint("Name a file with --file, or write plain text with --compress none."),
        );
    }
    match file {
        Some(file) if !to_stdout => to_file(&args, file, &request, context).await,
        _ => {
            // Not through the standard library's buffer, which looks for line ends.
            let out = std::io::stdout().as_fd().try_clone_to_owned();
            let out = File::from(out.map_err(|e| Error::io("cannot write to standard output", e))?);
            let streamed = stream(&args, out, &request, context).await;
            streamed.map_err(|e| name_output(e, "standard output")).map(drop)
        }
    }
}

impl Args {
    /// Whether a program reads the report.
    pub fn json(&self) -> bool {
        self.output.json
    }
}

impl Args {
    fn request(&self) -> Result<dump::Request> {
        let (content, output) = (&self.content, &self.output);
        let mut plan = plan::Options {
            schema: !content.data_only && !content.no_schema && !content.statistics_only,
            rows: !content.schema_only && !content.no_data && !content.statistics_only,
            planner_statistics: content.statistics || content.statistics_only,
            encoding: output.encoding.clone(),
            sequence_values: content.sequence_data,
            sections: sections(&content.section),
            create: content.create,
            clean: content.clean,
            if_exists: content.if_exists,
            owners: !content.no_owner,
            privileges: !content.no_privileges,
            inserts: self.rows.inserts()?,
            disable_triggers: self.rows.disable_triggers,
            superuser: self.rows.superuser.clone(),
            restrict_key: output.restrict_key.clone(),
            ..plan::Options::default()
        };
        self.select.apply(&mut plan);
        let filter = self.select.filter()?;
        if content.schema_only && !filter.foreign_servers.is_empty() {
            return Err(Error::usage(
                "--schema-only has no rows, and --include-foreign-data asks for some",
            ));
        }
        Ok(dump::Request {
            snapshot: self.select.snapshot(self.snapshot.options(), &filter),
            plan,
            filter,
            lock_wait_timeout: self.select.lock_wait_timeout(),
            check_members: output.check_members,
            digests_only: false,
            known: dump::Known::new(),
            compression: output.compress.unwrap_or_else(|| by_name(output.file.as_deref())),
            jobs: output.jobs.map(usize::from),
        })
    }
}

impl RowArgs {
    fn inserts(&self) -> Result<Option<Inserts>> {
        if !self.inserts && !self.column_inserts && self.rows_per_insert.is_none() {
            return match self.on_conflict_do_nothing {
                false => Ok(None),
                true => Err(Error::usage("--on-conflict-do-nothing needs INSERT statements")
                    .hint("Add --inserts, --column-inserts or --rows-per-insert.")),
            };
        }
        Ok(Some(Inserts {
            columns: self.column_inserts,
            rows: self.rows_per_insert.unwrap_or(1),
            on_conflict_do_nothing: self.on_conflict_do_nothing,
        }))
    }
}

fn sections(names: &[SectionName]) -> Sections {
    let has = |name| names.is_empty() || names.contains(&name);
    Sections {
        pre_data: has(SectionName::PreData),
        data: has(SectionName::Data),
        post_data: has(SectionName::PostData),
    }
}

/// The compression that a file's name tells. Without one there is none, as in pg_dump: its scripts pipe a dump into
/// psql or gzip.
fn by_name(file: Option<&Path>) -> Compression {
    match file.and_then(Path::extension).and_then(|e| e.to_str()) {
        Some("zst") => Compression::Zstd(Compression::ZSTD_DEFAULT),
        Some("gz") => Compression::default(),
        _ => Compression::None,
    }
}

async fn stream<W: Write + Send + 'static>(
    args: &Args,
    out: W,
    request: &dump::Request,
    context: &Context,
) -> Result<(W, Summary)> {
    let settings = args.connection.settings_to_connect(context).await?;
    dump::database(
        &settings,
        request,
        out,
        Arc::clone(&context.observer),
        &context.cancel,
    )
    .await
}

/// Writes under a temporary name, reads back what was written, then gives the file its name.
async fn to_file(args: &Args, file: &Path, request: &dump::Request, context: &Context) -> Result<()> {
    let clock = Instant::now();
    if is_device(file) {
        let cannot = |e| Error::io(format!("cannot write to {}", file.display()), e);
        let out = OpenOptions::new().write(true).open(file).map_err(cannot)?;
        let (_, summary) = stream(args, out, request, context)
            .await
            .map_err(|e| name_output(e, file.display()))?;
        return match args.output.json {
            true => print_json(&as_json(file, &summary, clock)),
            false => Ok(()),
        };
    }
    // A link stays a link: the file behind it is replaced.
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let pending = Pending::create(&target, 0o600)?;
    for stale in remove_stale(directory_of(&target))? {
        let text = format!(
            "removed what a killed run had left unfinished: {}",
            stale.display()
        );
        context.observer.event(Event::Warning(text));
    }
    let cannot = |e| Error::io(format!("cannot write to {}", file.display()), e);
    let out: File = pending.file().try_clone().map_err(cannot)?;
    let (out, summary) = stream(args, out, request, context)
        .await
        .map_err(|e| name_output(e, file.display()))?;
    drop(out);
    context.observer.event(Event::Phase(Phase::Verify));
    let summary = pending.read_back(summary, &context.cancel).await?;
    pending.note_duration(clock.elapsed());
    match args.output.no_sync {
        true => pending.commit_unsynced()?,
        false => pending.commit()?,
    };
    context.observer.event(Event::Info(format!(
        "dumped {} with {} into {}: {}",
        human::number_of(summary.index.tables.len() as u64, "table"),
        human::number_of(summary.index.rows(), "row"),
        file.display(),
        human::bytes(summary.bytes),
    )));
    match args.output.json {
        true => print_json(&as_json(file, &summary, clock)),
        false => Ok(()),
    }
}

fn as_json(file: &Path, summary: &Summary, clock: Instant) -> serde_json::Value {
    let header = &summary.index.header;
    json!({
        "file": file,
        "database": header.database,
        "bytes": summary.bytes,
        "text_bytes": summary.text,
        "compression": header.compression,
        "tables": summary.index.tables.len(),
        "rows": summary.index.rows(),
        "seconds": clock.elapsed().as_secs_f64(),
        "snapshot_time": header.snapshot_time,
        "server": header.server,
        "pgstow": header.pgstow,
    })
}

/// The directory of a file; the current one for a bare name.
fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Something that exists and cannot be replaced by renaming: a pipe, `/dev/null`.
fn is_device(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}
