//! Before anything is changed: what the file holds, what would make it fail, what will be lost, and the question.

use std::sync::Arc;

use super::Args;
use crate::archive::{self, Archive};
use crate::cli::source::Source;
use crate::cli::{Context, human, prompt};
use crate::connect::Session;
use crate::event::{Event, Phase};
use crate::finding::{Status, failures};
use crate::restore::{self, Choice, Needs, Options, Selection};
use crate::{Error, Result};

/// What is to be restored of the input, and its size in bytes or 0. A file of ours that is not whole is refused before
/// anything is changed.
pub(super) async fn look_at(source: &Source, selection: Selection) -> Result<(Choice, u64)> {
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
    let path = path.to_path_buf();
    let reading = tokio::task::spawn_blocking(move || {
        let choice = Choice::of_file(&path, &selection)?;
        let bytes = match Archive::open(&path)? {
            Some(archive) => archive
                .index()
                .bytes_for(&choice.of_archive(archive.index()), meta.len()),
            None => meta.len(),
        };
        Ok((choice, bytes))
    });
    let read = reading.await;
    let read = read.map_err(|e| Error::failed("reading the file failed").because(e))?;
    read.map_err(Source::blamed(source.name()))
}

/// What would make it fail, before anybody is asked anything.
pub(super) async fn preflight(
    session: &Session,
    source: &Source,
    args: &Args,
    options: &Options,
    context: &Context,
) -> Result<()> {
    let mut needs = None;
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
        needs = Some(read.map_err(|e: Error| e.context(source.name()))?);
    }
    let target = match args.create || args.target_db.is_some() {
        _ if args.swap => restore::Target::Swap,
        true => restore::Target::Beside,
        false => restore::Target::Here,
    };
    let findings = restore::examine(session, needs.as_ref(), options, target).await?;
    for finding in findings.iter().filter(|f| f.status == Status::Warning) {
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})"));
        let text = format!("{}{}", finding.found, hint.unwrap_or_default());
        context.observer.event(Event::Warning(text));
    }
    failures(&findings).map_or(Ok(()), Err)
}

/// The database with what is in it now.
pub(super) async fn describe_target(session: &Session) -> Result<String> {
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
    let others = match unsigned(others) {
        0 => String::new(),
        n => format!(", {}", human::number_of(n, "other session")),
    };
    Ok(format!(
        "database {dbname:?} on {} ({}, {}{others})",
        session.host_text(),
        human::number_of(unsigned(tables), "table"),
        human::bytes(unsigned(size)),
    ))
}

pub(super) async fn confirm(args: &Args, warning: &str, context: &Context) -> Result<()> {
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
