//! `pgstow dump`: a dump outside the store, to a file or standard output.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Connection, Context, SnapshotArgs, human};
use crate::archive::{self, Compression, Summary};
use crate::event::{Event, Phase};
use crate::store::{Pending, remove_stale};
use crate::{Error, Result, dump, plan};

/// Options of `dump`, named as pg_dump names them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// gzip[:LEVEL], zstd[:LEVEL] (levels 1 to 9, for gzip 1 is the default) or none [default: by the file's name, else gzip]
    #[arg(short = 'Z', long, value_name = "METHOD")]
    compress: Option<Compression>,
    /// Decode and compare each gzip member before it is written, as `backup` does
    #[arg(long)]
    check_members: bool,
    /// Connections that read rows at the same time [default: the number of processors, at most 4]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Only the definitions of objects, no rows
    #[arg(short, long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Only rows and values of sequences, no definitions; rows that others refer to come first
    #[arg(short = 'a', long, conflicts_with = "clean")]
    data_only: bool,
    /// Begin with making the database itself, with its settings, and going into it
    #[arg(short = 'C', long, conflicts_with = "data_only")]
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

/// Dumps a database.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let to_stdout = args.file.as_deref().is_none_or(|file| file == Path::new("-"));
    let request = args.request();
    if to_stdout && request.compression != Compression::None && std::io::stdout().is_terminal() {
        return Err(
            Error::usage("standard output is a terminal, and compressed bytes are not for reading")
                .hint("Name a file with --file, or write plain text with --compress none."),
        );
    }
    match &args.file {
        Some(file) if !to_stdout => to_file(&args, file, &request, context).await,
        _ => {
            // Not through the standard library's buffer, which looks for line ends.
            let out = std::io::stdout().as_fd().try_clone_to_owned();
            let out = File::from(out.map_err(|e| Error::io("cannot write to standard output", e))?);
            stream(&args, out, &request, context).await?;
            Ok(())
        }
    }
}

impl Args {
    fn request(&self) -> dump::Request {
        dump::Request {
            snapshot: self.snapshot.options(),
            plan: plan::Options {
                schema: !self.data_only,
                rows: !self.schema_only,
                create: self.create,
                clean: self.clean,
                if_exists: self.if_exists,
                owners: !self.no_owner,
                privileges: !self.no_privileges,
            },
            check_members: self.check_members,
            compression: self.compress.unwrap_or_else(|| by_name(self.file.as_deref())),
            jobs: self.jobs.map(usize::from),
        }
    }
}

/// The compression that a file's name tells.
fn by_name(file: Option<&Path>) -> Compression {
    match file.and_then(Path::extension).and_then(|e| e.to_str()) {
        Some("zst") => Compression::Zstd(Compression::ZSTD_DEFAULT),
        Some("sql") => Compression::None,
        _ => Compression::default(),
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
    if is_device(file) {
        let cannot = |e| Error::io(format!("cannot write to {}", file.display()), e);
        let out = OpenOptions::new().write(true).open(file).map_err(cannot)?;
        stream(args, out, request, context).await?;
        return Ok(());
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
        .map_err(|e| explain(e, file))?;
    drop(out);
    context.observer.event(Event::Phase(Phase::Verify));
    archive::read_back(pending.path(), &summary)?;
    pending.commit()?;
    let rows = summary.index.tables.iter().map(|t| t.rows.counted.rows).sum();
    context.observer.event(Event::Info(format!(
        "dumped {} tables with {} rows into {}: {}",
        summary.index.tables.len(),
        human::count(rows),
        file.display(),
        human::bytes(summary.bytes),
    )));
    Ok(())
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

/// Says which file could not be written.
fn explain(error: Error, file: &Path) -> Error {
    match std::error::Error::source(&error).and_then(|e| e.downcast_ref::<std::io::Error>()) {
        Some(_) if error.message() == "cannot write" => error.context(file.display()),
        _ => error,
    }
}
