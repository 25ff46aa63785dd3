//! A script replayed in one transaction: all of it or nothing.
//!
//! The file is read by a thread of its own, which decompresses and cuts ahead of the connection. Statements are sent
//! as they stand, byte for byte, so that any client encoding works, and without waiting for each one's answer; rows
//! follow their COPY at once. The first error ends everything: the server rolls back, and the error says which
//! statement it was, at which line, in the server's own words.
//!
//! It does not promise that sequences' values come back on rollback (they do not in PostgreSQL), nor to replay what
//! cannot run in a transaction (CREATE DATABASE, VACUUM, ...).

mod conversation;
pub mod database;
mod failure;
mod freeze;
mod picture;
mod preflight;
mod proof;
mod roles;
mod select;
mod source;
mod verdict;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use conversation::Counts;
pub use picture::{Differences, Painter, Picture};
pub use preflight::{Needs, preflight};
pub use proof::{Comparison, TestRestore, beside, compare, swap, test_restore};
pub use roles::MissingRoles;
pub use select::{Extract, Selection, TablePattern};

use conversation::{Conversation, Sent};
use freeze::Freezer;
use roles::Roles;
use source::Batch;
use verdict::{Verdict, copy_target, verdict};

use crate::connect::{CancelHandle, Session};
use crate::error::Kind;
use crate::event::{Event, Observer, Phase};
use crate::script::{Command, Piece, Statement};
use crate::{Error, Result};

/// How long a server may take to roll back before we stop waiting for it.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(30);

/// How to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Freeze rows as they load where the table is created by the same script.
    pub freeze: bool,
    /// `maintenance_work_mem` for index builds, as PostgreSQL writes sizes; `None`: at least 256 MB.
    pub maintenance_work_mem: Option<String>,
    /// `max_parallel_maintenance_workers`; `None`: up to four, as far as the server has workers.
    pub parallel_maintenance_workers: Option<u16>,
    /// What to do where the script names a role that does not exist.
    pub missing_roles: MissingRoles,
    /// Which part of the script.
    pub selection: Selection,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            freeze: true,
            maintenance_work_mem: None,
            parallel_maintenance_workers: None,
            missing_roles: MissingRoles::default(),
            selection: Selection::default(),
        }
    }
}

/// Replays a script, compressed or not, into the session's database.
///
/// Errors: [`Kind::Script`] when a statement fails or is refused, [`Kind::Damaged`] when the input is not whole,
/// [`Kind::Interrupted`] when cancelled, [`Kind::Failed`] when the server is lost. The database is as it was then.
pub async fn run(
    session: Session,
    input: impl Read + Send + 'static,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Counts> {
    observer.event(Event::Phase(Phase::Restore));
    let standard_strings = setting(&session, "standard_conforming_strings").await? == "on";
    let opening = opening(&session, options).await?;
    let version = session.version;
    let roles = preflight::roles(&session).await?;
    let wire = session.into_wire().await?;
    let mut batches = source::start(input, standard_strings);
    let mut replay = Replay {
        conversation: Conversation::new(wire.sender, wire.receiver, Arc::clone(observer)),
        freezer: if options.freeze {
            Freezer::default()
        } else {
            Freezer::off()
        },
        observer: Arc::clone(observer),
        own_transaction: false,
        version,
        roles,
        missing_roles: options.missing_roles,
        selection: options.selection.clone(),
        skipping: false,
        offset: 0,
    };
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::interrupted()),
        result = replay.all(&opening, &mut batches) => result,
    };
    let closed = match &result {
        Ok(()) => tokio::time::timeout(ROLLBACK_LIMIT, replay.conversation.close())
            .await
            .is_ok(),
        Err(_) => roll_back(&mut replay.conversation, &wire.cancel).await,
    };
    if !closed && result.is_err() {
        observer.event(Event::Warning("the server is still rolling back".into()));
    }
    result.map(|()| replay.conversation.counts)
}

/// Ends the session and waits for the server to have rolled back. False if it has not within [`ROLLBACK_LIMIT`].
async fn roll_back(conversation: &mut Conversation, cancel: &CancelHandle) -> bool {
    let closed = async {
        loop {
            // Without it a long statement would go on, for the server looks at its socket only between two; and since
            // there are many under way, the request may come just between two.
            let _ = cancel.cancel().await;
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

/// What is sent before the script.
async fn opening(session: &Session, options: &Options) -> Result<String> {
    // The library asked for UTF8; a script without a word on its encoding is in the database's own, as for psql.
    let encoding = match std::env::var("PGCLIENTENCODING") {
        Ok(encoding) if !encoding.is_empty() => encoding,
        _ => setting(session, "server_encoding").await?,
    };
    let memory = match &options.maintenance_work_mem {
        Some(size) => crate::sql::literal(size),
        None => "GREATEST(pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024, 262144)::text"
            .into(),
    };
    let workers = match options.parallel_maintenance_workers {
        Some(workers) => format!("'{workers}'"),
        None => "GREATEST(pg_catalog.current_setting('max_parallel_maintenance_workers')::int, \
                 LEAST(4, pg_catalog.current_setting('max_parallel_workers')::int))::text"
            .into(),
    };
    Ok(format!(
        "BEGIN; SELECT pg_catalog.set_config('client_encoding', {}, true), \
         pg_catalog.set_config('maintenance_work_mem', {memory}, true), \
         pg_catalog.set_config('max_parallel_maintenance_workers', {workers}, true)",
        crate::sql::literal(&encoding)
    ))
}

async fn setting(session: &Session, name: &str) -> Result<String> {
    let row = session
        .client
        .query_one("SELECT pg_catalog.current_setting($1)", &[&name])
        .await;
    Ok(row.map_err(|e| session.explain(e))?.get(0))
}

/// A restore under way.
struct Replay {
    conversation: Conversation,
    freezer: Freezer,
    observer: Arc<dyn Observer>,
    /// Between a BEGIN and a COMMIT of the script itself.
    own_transaction: bool,
    /// `server_version_num`.
    version: u32,
    roles: Roles,
    missing_roles: MissingRoles,
    selection: Selection,
    /// The rows that pass belong to a COPY that is not replayed.
    skipping: bool,
    /// Bytes of the file replayed so far.
    offset: u64,
}

impl Replay {
    async fn all(&mut self, opening: &str, batches: &mut mpsc::Receiver<Result<Batch>>) -> Result<()> {
        self.conversation
            .send(Sent::Own("BEGIN"), &[opening.as_bytes()])
            .await?;
        while let Some(batch) = self.next(batches).await? {
            for piece in &batch.pieces {
                self.piece(piece).await?;
            }
            self.conversation.flush().await?;
            let bytes = batch.offset - self.offset;
            self.offset = batch.offset;
            self.observer.event(Event::Moved { rows: 0, bytes });
        }
        self.conversation.drain().await?;
        self.conversation.send(Sent::Own("COMMIT"), &[b"COMMIT"]).await?;
        match self.conversation.drain().await? {
            "COMMIT" => Ok(()),
            tag => Err(Error::failed(format!(
                "the server answered COMMIT with {tag}, everything was rolled back"
            ))),
        }
    }

    /// The next batch; an error of the server comes through while the input is slow.
    async fn next(&mut self, batches: &mut mpsc::Receiver<Result<Batch>>) -> Result<Option<Batch>> {
        loop {
            tokio::select! {
                biased;
                batch = batches.recv() => return batch.transpose(),
                reply = self.conversation.reply() => reply?,
            }
        }
    }

    async fn piece(&mut self, piece: &Piece) -> Result<()> {
        match piece {
            Piece::Gap(_) => Ok(()),
            Piece::Statement(statement) if !self.selection.wants(&statement.text) => {
                self.skipping = statement.rows_follow;
                Ok(())
            }
            Piece::Statement(statement) => self.statement(statement).await,
            Piece::Rows(_) if self.skipping => Ok(()),
            Piece::EndOfRows(_) if self.skipping => {
                self.skipping = false;
                Ok(())
            }
            Piece::Rows(rows) => self.conversation.rows(rows).await,
            Piece::EndOfRows(_) => self.conversation.end_of_rows().await,
            Piece::Meta(meta) => match &meta.command {
                Command::Connect { dbname } => Err(refused(
                    meta.line,
                    &String::from_utf8_lossy(&meta.text),
                    &match dbname {
                        Some(name) => format!("the script goes on in another database, {name:?}"),
                        None => "the script makes another connection".into(),
                    },
                )
                .hint("Dump without --create, and each database by itself, then restore with --dbname.")),
                Command::Restrict(_) | Command::Unrestrict(_) | Command::StopOnError => Ok(()),
            },
        }
    }

    async fn statement(&mut self, statement: &Statement) -> Result<()> {
        let Statement { text, line, .. } = statement;
        let line = *line;
        if let Some(at) = memchr::memchr(0, text) {
            let line = line + memchr::memchr_iter(b'\n', &text[..at]).count() as u64;
            return Err(refused(
                line,
                &failure::abbreviate(text),
                "there is a zero byte in the statement",
            ));
        }
        match verdict(statement, self.version) {
            Verdict::Send if !self.has_roles(text, line).await? => Ok(()),
            Verdict::Send => {
                self.freezer.note(text);
                let sent = Sent::Statement {
                    text: text.clone(),
                    line,
                };
                self.conversation.send(sent, &[text]).await
            }
            Verdict::Copy => self.copy(statement).await,
            Verdict::Unknown => {
                let statement = failure::abbreviate(text);
                self.observer.event(Event::Info(format!(
                    "line {line}: left out {statement} which this server does not know"
                )));
                Ok(())
            }
            Verdict::Begin => {
                self.own_transaction = true;
                Ok(())
            }
            Verdict::Commit if self.own_transaction => {
                self.own_transaction = false;
                Ok(())
            }
            Verdict::Commit => Err(refused(
                line,
                &failure::abbreviate(text),
                "the script commits, but a restore is all or nothing",
            )
            .hint("Remove the statement, or replay the script with psql.")),
            Verdict::Refuse { why, hint } => Err(refused(line, &failure::abbreviate(text), why).hint(hint)),
        }
    }

    /// Whether a statement can be sent for all that the roles it names are concerned: they are there, or have just been
    /// created. False: it is left out.
    async fn has_roles(&mut self, text: &[u8], line: u64) -> Result<bool> {
        self.roles.note(text);
        let missing = self.roles.missing(text);
        if missing.is_empty() {
            return Ok(true);
        }
        match self.missing_roles {
            // The server says so better, and knows of roles that a DO block of the script has made.
            MissingRoles::Fail => Ok(true),
            MissingRoles::Skip => {
                let statement = failure::abbreviate(text);
                self.observer.event(Event::Warning(format!(
                    "line {line}: left out, for the role does not exist: {statement}"
                )));
                Ok(false)
            }
            MissingRoles::Create => {
                for role in missing {
                    // The name's own bytes, for the script may be in any encoding.
                    let quoted = [b"\"", &doubled(&role)[..], b"\""].concat();
                    let own = Sent::Own("CREATE ROLE");
                    self.conversation
                        .send(own, &[b"CREATE ROLE ", &quoted, b" NOLOGIN"])
                        .await?;
                    let name = String::from_utf8_lossy(&role).into_owned();
                    self.observer.event(Event::Warning(format!(
                        "role {name:?} did not exist and is created"
                    )));
                    self.roles.add(role);
                }
                Ok(true)
            }
        }
    }

    async fn copy(&mut self, statement: &Statement) -> Result<()> {
        let text = &statement.text;
        let target = copy_target(text);
        let parts: [&[u8]; 2] = match self.freezer.freezable(text, &target) {
            Some(start) => [start, b" WITH (FREEZE);"],
            None => [text, b""],
        };
        let sent = Sent::Copy {
            text: text.clone(),
            line: statement.line,
            rows: statement.line + memchr::memchr_iter(b'\n', text).count() as u64 + 1,
            schema: String::from_utf8_lossy(&target.0.unwrap_or_default()).into_owned(),
            table: String::from_utf8_lossy(&target.1).into_owned(),
            bytes: 0,
        };
        self.conversation.send(sent, &parts).await
    }
}

/// Bytes with each double quote doubled.
fn doubled(name: &[u8]) -> Vec<u8> {
    name.iter()
        .flat_map(|&b| std::iter::repeat_n(b, if b == b'"' { 2 } else { 1 }))
        .collect()
}

fn refused(line: u64, statement: &str, why: &str) -> Error {
    Error::new(
        Kind::Script,
        format!("line {line}: {why}; everything was rolled back: {statement}"),
    )
}
