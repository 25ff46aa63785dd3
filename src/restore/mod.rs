//! A script replayed in one transaction: all of it or nothing.
//!
//! The file is read by a thread of its own, which decompresses and cuts ahead of the connection. Statements are sent
//! as they stand, byte for byte, so that any client encoding works, and without waiting for each one's answer; rows
//! follow their COPY at once. The first error ends everything: the server rolls back, and the error says which
//! statement it was, at which line, in the server's own words.
//!
//! It does not promise that sequences' values come back on rollback (they do not in PostgreSQL), nor to replay what
//! cannot run in a transaction (CREATE DATABASE, VACUUM, ...).

pub mod binary;
mod conversation;
mod counts;
pub mod database;
mod exchange;
mod failure;
mod freeze;
mod gate;
mod input;
mod made;
mod needs;
mod owner;
mod parallel;
mod pattern;
mod picture;
mod preflight;
mod proof;
mod redact;
mod replay;
mod roles;
mod select;
mod source;
mod subject;
mod survey;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use counts::Counts;
pub use input::Source;
pub use needs::Needs;
pub use pattern::{Pattern, TablePattern};
pub use picture::{Differences, Painter, Picture};
pub use preflight::{Target, examine};
pub use proof::{Comparison, TestRestore, beside, compare, swap, test_restore};
pub use roles::MissingRoles;
pub use select::{Choice, Selection};
pub use source::Script;
pub use survey::{Step, read_through, steps};

use conversation::Conversation;
use replay::Replay;

use crate::connect::Session;
use crate::event::{Event, Observer, Phase};
use crate::{Error, Result};

/// Memory for index builds in SQL: what the session began with, but at least 256 MB.
const RAISED_MEMORY: &str = "(SELECT GREATEST(reset_val::bigint, 262144)::text FROM pg_catalog.pg_settings \
                             WHERE name = 'maintenance_work_mem')";

/// Processes of the server that help with an index, unless told otherwise.
const MOST_HELPERS: usize = 4;

/// How long a server may take to roll back before we stop waiting for it.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(10);

/// How to restore.
#[derive(Debug, Clone)]
pub struct Options {
    /// Freeze rows as they load where the table is created by the same script.
    pub freeze: bool,
    /// `maintenance_work_mem` for index builds, as PostgreSQL writes sizes; `None`: at least 256 MB, but 32 MB for B-trees
    /// of up to a gigabyte of compressed rows where several connections fill a database: sorting is faster in a
    /// processor's cache.
    pub maintenance_work_mem: Option<String>,
    /// `max_parallel_maintenance_workers`; `None`: up to four, as far as the server has workers, and, where several
    /// connections fill a database, as there are processors that those leave idle.
    pub parallel_maintenance_workers: Option<u16>,
    /// What to do where the script names a role that does not exist.
    pub missing_roles: MissingRoles,
    /// Which part of the script.
    pub choice: Choice,
    /// Follow the script where it makes databases and goes on in them: each database is a transaction of its own.
    pub create: bool,
    /// Connections that fill a database made for it; where there can be one only, threads that decompress ahead of it.
    pub jobs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            freeze: true,
            maintenance_work_mem: None,
            parallel_maintenance_workers: None,
            missing_roles: MissingRoles::default(),
            choice: Choice::default(),
            create: false,
            jobs: default_jobs(),
        }
    }
}

/// As many as there are processors, at most four.
pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get()).min(4)
}

/// Replays a script into the session's database.
///
/// Errors: [`Kind::Script`](crate::error::Kind::Script) when a statement fails or is refused, `Damaged` when the input is
/// not whole, `Interrupted` when cancelled, `Failed` when the server is lost. The database is as it was then; with
/// [`Options::create`], what the script did to other databases before it went on to the last one stays, but the
/// databases it made are dropped.
pub async fn run(
    session: Session,
    script: Script,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Counts> {
    observer.event(Event::Phase(Phase::Restore));
    let standard_strings = setting(&session, "standard_conforming_strings").await? == "on";
    let mut batches = source::start(script, standard_strings);
    let mut replay = Replay::begin(session, options, observer).await?;
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::interrupted()),
        result = replay.all(&mut batches) => result,
    };
    replay.end(result).await
}

/// Ends the session and waits for the server to have rolled back. False if it has not within [`ROLLBACK_LIMIT`].
async fn roll_back(conversation: &mut Conversation) -> bool {
    let closed = async {
        loop {
            // Without it a long statement would go on, for the server looks at its socket only between two; and since
            // there are many under way, the request may come just between two.
            let _ = conversation.cancel.cancel().await;
            if tokio::time::timeout(Duration::from_secs(1), conversation.close())
                .await
                .is_ok()
            {
                break;
            }
        }
    };
    tokio::time::timeout(ROLLBACK_LIMIT, closed).await.is_ok()
}

/// The settings that come before the script's own, for a transaction or for the session.
async fn settings(session: &Session, options: &Options, local: bool) -> Result<String> {
    // The library asked for UTF8; a script without a word on its encoding is in the database's own, as for psql.
    let encoding = match std::env::var("PGCLIENTENCODING") {
        Ok(encoding) if !encoding.is_empty() => encoding,
        _ => setting(session, "server_encoding").await?,
    };
    let memory = match &options.maintenance_work_mem {
        Some(size) => crate::sql::literal(size),
        None => RAISED_MEMORY.into(),
    };
    let workers = match options.parallel_maintenance_workers {
        Some(workers) => format!("'{workers}'"),
        None => format!(
            "GREATEST(pg_catalog.current_setting('max_parallel_maintenance_workers')::int, \
                 LEAST({MOST_HELPERS}, pg_catalog.current_setting('max_parallel_workers')::int))::text"
        ),
    };
    Ok(format!(
        "SELECT pg_catalog.set_config('client_encoding', {}, {local}), \
         pg_catalog.set_config('maintenance_work_mem', {memory}, {local}), \
         pg_catalog.set_config('max_parallel_maintenance_workers', {workers}, {local}); {}",
        crate::sql::literal(&encoding),
        patient(local)
    ))
}

/// The statement that keeps the server from ending a session which has nothing to do: one of several connections waits
/// for others, one of a script for its next part.
fn patient(local: bool) -> String {
    // By the server's own list: not each major knows both.
    format!(
        "SELECT pg_catalog.set_config(name, '0', {local}) FROM pg_catalog.pg_settings \
         WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')"
    )
}

/// Keeps the server from ending the session while it waits, for a person's answer, say.
pub async fn stay_connected(session: &Session) -> Result<()> {
    let set = session.client.batch_execute(&patient(false)).await;
    set.map_err(|e| session.explain(e))
}

async fn setting(session: &Session, name: &str) -> Result<String> {
    let row = session
        .client
        .query_one("SELECT pg_catalog.current_setting($1)", &[&name])
        .await;
    Ok(row.map_err(|e| session.explain(e))?.get(0))
}

/// The end of a COPY statement whose rows are frozen.
const FREEZE: &[u8] = b" WITH (FREEZE);";
/// ... of one whose rows are converted.
const BINARY: &[u8] = b" WITH (FORMAT binary);";
/// ... of one whose rows are both.
const BINARY_FREEZE: &[u8] = b" WITH (FORMAT binary, FREEZE);";
