//! The leader's snapshot, and a lock on every table that it sees.
//!
//! The snapshot comes first, for it says which tables there are. A table that is changed before it is locked is not
//! what the snapshot knows: it may be gone, and one that was truncated or rewritten (`TRUNCATE`, `ALTER TABLE ... TYPE`)
//! looks empty, because the server keeps no old rows for either; pg_dump writes it so. This happens to whoever waits for
//! a job that empties a table and fills it again in one transaction. Therefore the snapshot is taken again then, with
//! the tables that are known by now locked before it.
//!
//! What is not promised: that of a snapshot which somebody else took.

use std::sync::Arc;

use super::{Request, encoding};
use crate::catalog::names::{Wants, resolve};
use crate::catalog::{self, Choice};
use crate::connect::{Session, Snapshot};
use crate::error::Kind;
use crate::event::{Event, Observer};
use crate::plan;
use crate::sql::literal;
use crate::{Error, Result};

/// How often a snapshot is taken, until no table is changed between it and the locks.
const ATTEMPTS: u32 = 10;

/// A snapshot whose tables are locked.
pub(super) struct Locked {
    pub(super) snapshot: Snapshot,
    /// The options as this server can meet them.
    pub(super) options: plan::Options,
    pub(super) choice: Arc<Choice>,
    /// Number of tables.
    pub(super) tables: usize,
}

/// Takes the snapshot and all locks on `leader`.
pub(super) async fn locked(leader: &Session, request: &Request, observer: &dyn Observer) -> Result<Locked> {
    let given = request.snapshot.existing.is_some();
    let mut held = Vec::new();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let (changed, tables) = match once(leader, request, observer, &held).await? {
            Outcome::Locked(locked) => return Ok(*locked),
            Outcome::Changed(error, _) if given => return Err(error),
            Outcome::Changed(error, _) if attempt == ATTEMPTS => {
                return Err(error.hint("Try again when less is being changed."));
            }
            Outcome::Changed(error, tables) => (error, tables),
        };
        observer.event(Event::Info(format!("a new snapshot is taken: {changed}")));
        leader.client.batch_execute("ROLLBACK").await?;
        held = tables;
    }
}

/// What an attempt came to.
enum Outcome {
    Locked(Box<Locked>),
    /// Something was changed under way. These tables are to be locked first the next time: somebody may go on changing
    /// them without a pause.
    Changed(Error, Vec<String>),
}

/// One attempt, with these tables locked before there is a snapshot.
async fn once(
    leader: &Session,
    request: &Request,
    observer: &dyn Observer,
    held: &[String],
) -> Result<Outcome> {
    let timeout = request.lock_wait_timeout.as_deref();
    let set = timeout_text(timeout);
    let first = match held {
        [] => String::new(),
        held => catalog::lock_statements(held).fold(set, |all, one| all + &one),
    };
    let gone = |e: Error| match is_of_a_change(&e) {
        true => Ok(Outcome::Changed(e, Vec::new())),
        false => Err(timed_out(e, timeout)),
    };
    let locked = match snapshot(leader, request, observer, &first).await {
        Ok(locked) => locked,
        Err(e) => return gone(e),
    };
    let tables = catalog::lockable(leader, &locked.choice).await?;
    if let Err(e) = lock(leader, &tables, timeout).await {
        return gone(e);
    }
    let changed = catalog::changed(leader, &locked.choice).await?;
    let locked = Locked {
        tables: tables.len(),
        ..locked
    };
    if let Some(name) = changed.first() {
        if request.snapshot.existing.is_none() {
            return Ok(Outcome::Changed(Error::failed(what(name)), tables));
        }
        if locked.options.reads_rows() {
            observer.event(Event::Warning(format!("{}: rows may be missing", what(name))));
        }
    }
    Ok(Outcome::Locked(Box::new(locked)))
}

/// What was changed.
fn what(name: &str) -> String {
    format!(
        "table {name} was truncated, rewritten or replaced after the snapshot was taken and before it could be locked"
    )
}

/// Takes a snapshot, after these statements, and finds what is wanted in it.
async fn snapshot(
    leader: &Session,
    request: &Request,
    observer: &dyn Observer,
    first: &str,
) -> Result<Locked> {
    let snapshot = Snapshot::take_after(leader, &request.snapshot, first).await?;
    let mut options = effective(&request.plan, &snapshot, observer);
    options.encoding = encoding::name(leader, &snapshot, &options).await?;
    let wants = Wants {
        unlogged: !options.unlogged_rows,
        roots: options.via_root,
        inserts: options.inserts.is_some(),
        planner_statistics: options.planner_statistics,
    };
    let choice = Arc::new(resolve(leader, &request.filter, wants).await?);
    Ok(Locked {
        snapshot,
        options,
        choice,
        tables: 0,
    })
}

/// The options as this server can meet them.
fn effective(options: &plan::Options, snapshot: &Snapshot, observer: &dyn Observer) -> plan::Options {
    let mut options = options.clone();
    if snapshot.in_recovery && options.unlogged_rows && options.rows {
        observer.event(Event::Info(
            "the server is a standby, which has no rows of unlogged tables: they are left out".into(),
        ));
        options.unlogged_rows = false;
    }
    options
}

/// Whether a lock could not be had because of what others changed meanwhile: the table or its schema is gone, or they
/// wait for one another.
fn is_of_a_change(error: &Error) -> bool {
    let code = error.server().map(|server| server.code.as_str());
    matches!(code, Some("42P01" | "3F000" | "42809" | "40P01"))
}

/// Locks tables, waiting no longer than is wanted.
async fn lock(leader: &Session, tables: &[String], timeout: Option<&str>) -> Result<()> {
    let set = timeout_text(timeout);
    if set.is_empty() {
        return catalog::lock(leader, tables).await;
    }
    leader.client.batch_execute(&set).await.map_err(|e| {
        Error::from(e).with_kind(Kind::Usage).context(format!(
            "bad --lock-wait-timeout {:?}",
            timeout.unwrap_or_default()
        ))
    })?;
    catalog::lock(leader, tables).await?;
    leader.client.batch_execute("SET LOCAL lock_timeout = 0").await?;
    Ok(())
}

fn timeout_text(timeout: Option<&str>) -> String {
    timeout.map_or(String::new(), |timeout| {
        format!("SET LOCAL lock_timeout = {};\n", literal(timeout))
    })
}

/// What to do about a lock that was waited for too long.
fn timed_out(error: Error, timeout: Option<&str>) -> Error {
    match (timeout, error.server()) {
        (Some(timeout), Some(server)) if server.code == "55P03" => error.hint(format!(
            "another session has held a lock for longer than --lock-wait-timeout ({timeout}); pg_locks shows whose"
        )),
        _ => error,
    }
}
