//! The leader's snapshot, and a lock on every table that it sees.
//!
//! The snapshot comes first, for it says which tables there are. A table that is changed before it is locked is not
//! what the snapshot knows: it may be gone, and one that was truncated or rewritten (`TRUNCATE`, `ALTER TABLE ... TYPE`)
//! looks empty, because the server keeps no old rows for either; pg_dump writes it so. This happens to whoever waits for
//! a job that empties a table and fills it again in one transaction. Therefore the snapshot is taken again then.
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
    let mut attempt = 0;
    loop {
        attempt += 1;
        let locked = snapshot(leader, request, observer).await?;
        let given = request.snapshot.existing.is_some();
        let timeout = request.lock_wait_timeout.as_deref();
        let changed = match lock(leader, &locked.choice, timeout).await {
            Ok(tables) => {
                let changed = catalog::changed(leader, &locked.choice).await?;
                let locked = Locked { tables, ..locked };
                match changed.first() {
                    None => return Ok(locked),
                    Some(name) if given => {
                        if locked.options.reads_rows() {
                            observer.event(Event::Warning(format!("{}: rows may be missing", what(name))));
                        }
                        return Ok(locked);
                    }
                    Some(name) => Error::failed(what(name)).hint("Try again when less is being changed."),
                }
            }
            Err(e) if is_of_a_change(&e) => e,
            Err(e) => return Err(e),
        };
        if given || attempt == ATTEMPTS {
            return Err(changed);
        }
        observer.event(Event::Info(format!("a new snapshot is taken: {changed}")));
        leader.client.batch_execute("ROLLBACK").await?;
    }
}

/// What was changed.
fn what(name: &str) -> String {
    format!(
        "table {name} was truncated, rewritten or replaced after the snapshot was taken and before it could be locked"
    )
}

/// Takes a snapshot and finds what is wanted in it.
async fn snapshot(leader: &Session, request: &Request, observer: &dyn Observer) -> Result<Locked> {
    let snapshot = Snapshot::take(leader, &request.snapshot).await?;
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

/// Locks what is wanted, waiting no longer than is wanted.
async fn lock(leader: &Session, choice: &Choice, timeout: Option<&str>) -> Result<usize> {
    let Some(timeout) = timeout else {
        return catalog::lock(leader, choice).await;
    };
    let set = format!("SET LOCAL lock_timeout = {}", literal(timeout));
    leader.client.batch_execute(&set).await.map_err(|e| {
        Error::from(e)
            .with_kind(Kind::Usage)
            .context(format!("bad --lock-wait-timeout {timeout:?}"))
    })?;
    let tables = catalog::lock(leader, choice)
        .await
        .map_err(|e| match e.server().is_some_and(|server| server.code == "55P03") {
            true => e.hint(format!(
                "another session has held a lock for longer than --lock-wait-timeout ({timeout}); pg_locks shows whose"
            )),
            false => e,
        })?;
    leader.client.batch_execute("SET LOCAL lock_timeout = 0").await?;
    Ok(tables)
}
