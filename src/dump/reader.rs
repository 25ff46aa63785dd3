//! Where a worker's rows come from: its own connection on the shared snapshot, or the leader's.
//!
//! The leader holds an ACCESS SHARE lock on every table. Who wants to change a table waits for it, and whoever comes to
//! read the table later waits behind them. That is why workers lock the largest tables before anything is read, as far
//! as they still can, and why rows of tables that they cannot lock are read by the leader.
//!
//! What is not promised: that a table somebody waits for is read by several connections.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt, pin_mut};

use super::Source;
use super::unit::{UNIT_BYTES, is_divided};
use crate::Result;
use crate::connect::{CancelHandle, CopyReader, Session, connect, is_out_of_turn};
use crate::plan::{Plan, Step};
use crate::sql::qualified;

/// Tables that a worker locks beforehand, at most: what a server has room for in each transaction as it comes
/// (`max_locks_per_transaction`). The leader may have used up what others left.
const LOCKED_BEFOREHAND: usize = 64;

/// What the leader reads although there are workers.
#[derive(Default)]
pub(super) struct LeadersShare {
    /// Steps of the plan whose tables only the leader could lock.
    steps: Mutex<HashSet<usize>>,
    reading: AtomicBool,
}

impl LeadersShare {
    /// Whether the leader is busy with rows, so that it cannot answer.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::SeqCst)
    }

    /// Whether the rows of this step are the leader's.
    fn has(&self, step: usize) -> bool {
        self.steps().contains(&step)
    }

    /// Leaves the rows of this step to the leader; whether that is new.
    fn add(&self, step: usize) -> bool {
        self.steps().insert(step)
    }

    fn steps(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what a COPY statement gives the leader.
    async fn read(&self, leader: &Session, query: &str, take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.reading.store(true, Ordering::SeqCst);
        let done = copy_by_leader(leader, query, take).await;
        self.reading.store(false, Ordering::SeqCst);
        done
    }
}

/// A table's rows as a worker asks for them.
pub(super) struct Rows<'q> {
    /// The step of the plan that they belong to.
    pub(super) step: usize,
    /// The `COPY ... TO STDOUT`.
    pub(super) query: &'q str,
}

/// A connection to read rows from.
pub(super) enum Reader<'a> {
    /// A worker's own.
    Own(Box<OwnReader<'a>>),
    /// The leader's, where the snapshot cannot be shared. Others still need it, so it stays a session.
    Leader(&'a Session),
}

/// A worker's own connection, and the leader for what it cannot lock.
pub(super) struct OwnReader<'a> {
    copy: CopyReader,
    leader: &'a Session,
    share: &'a LeadersShare,
    /// The next statement is the first of a unit.
    unit_begins: bool,
}

impl<'a> OwnReader<'a> {
    /// A connection that sees what the leader sees, with what it could lock of these tables. `told` hears which it could
    /// not.
    pub(super) async fn join(
        source: &'a Source,
        share: &'a LeadersShare,
        large: &[(usize, String)],
        told: impl Fn(usize),
    ) -> Result<OwnReader<'a>> {
        let session = connect(&source.settings).await?;
        source.snapshot.join(&session).await?;
        for step in not_locked(&session, large).await? {
            if share.add(step) {
                told(step);
            }
        }
        session.client.batch_execute("SAVEPOINT unit").await?;
        Ok(OwnReader {
            copy: session.into_copy_reader().await?,
            leader: &source.leader,
            share,
            unit_begins: false,
        })
    }

    pub(super) fn cancel_handle(&self) -> CancelHandle {
        self.copy.cancel_handle()
    }

    pub(super) async fn close(self) {
        self.copy.close().await;
    }

    /// Runs a COPY statement. Each unit has a savepoint, from which to go on after a lock could not be had; its name is
    /// sent along, for a round trip would cost more.
    async fn copy_out(&mut self, query: &str, take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if std::mem::take(&mut self.unit_begins) {
            let query = format!("RELEASE SAVEPOINT unit; SAVEPOINT unit; {query}");
            return self.copy.copy_out(&query, take).await;
        }
        self.copy.copy_out(query, take).await
    }
}

impl Reader<'_> {
    /// What follows is another unit: the locks of the last one stay.
    pub(super) fn begin_unit(&mut self) {
        if let Reader::Own(own) = self {
            own.unit_begins = true;
        }
    }

    /// Hands on what a COPY statement gives, piece by piece.
    ///
    /// Rows that only the leader may lock are read by the leader, when it is the unit's `turn`: of all workers only the
    /// one at the head may use the leader, for it alone never waits for another. `told` hears of tables that are found
    /// to be such.
    pub(super) async fn copy(
        &mut self,
        rows: &Rows<'_>,
        turn: impl FnOnce() -> Result<()>,
        told: impl FnOnce(usize),
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let own = match self {
            Reader::Own(own) => own,
            Reader::Leader(leader) => return copy_by_leader(leader, rows.query, take).await,
        };
        let mut taken = 0;
        if !own.share.has(rows.step) {
            let count = |piece: &[u8]| {
                taken += piece.len();
                take(piece)
            };
            match own.copy_out(rows.query, count).await {
                Err(e) if is_out_of_turn(&e) => own.copy.execute("ROLLBACK TO SAVEPOINT unit").await?,
                done => return done,
            }
            if own.share.add(rows.step) {
                told(rows.step);
            }
        }
        turn()?;
        // Locks come before rows, but for those of values stored out of line, which are looked for by an index that may
        // be just being rebuilt. The leader sees the same rows in the same order.
        let rest = |piece: &[u8]| {
            let known = taken.min(piece.len());
            taken -= known;
            take(&piece[known..])
        };
        own.share.read(own.leader, rows.query, rest).await
    }
}

/// Tables in one statement of [`hold_indexes`].
const BATCH: usize = 100;

/// Has the leader lock the indexes of tables that are read in parts: the server locks them to plan a query for a part.
///
/// Otherwise nobody would know of a deadlock: one worker has read a part of a table, a `REINDEX` waits for its lock,
/// the leader waits behind that to read the next part, and the worker waits for the leader's turn to end.
pub(super) async fn hold_indexes(leader: &Session, plan: &Plan) -> Result<()> {
    let tables = plan.steps.iter().filter_map(|step| match step {
        Step::Rows(rows) if is_divided(rows) => Some(rows),
        _ => None,
    });
    let queries: Vec<String> = tables
        .map(|rows| format!("SELECT FROM ONLY {} LIMIT 0", qualified(&rows.schema, &rows.name)))
        .collect();
    for batch in queries.chunks(BATCH) {
        let done = leader.client.batch_execute(&batch.join("; ")).await;
        done.map_err(|e| leader.explain(e).context("preparing to read tables in parts"))?;
    }
    Ok(())
}

/// The largest tables of a plan, by step and name: those whose rows are worth several connections or a long while.
pub(super) fn largest(plan: &Plan) -> Vec<(usize, String)> {
    let mut large: Vec<_> = (0..)
        .zip(&plan.steps)
        .filter_map(|(number, step)| match step {
            Step::Rows(rows) if rows.bytes > UNIT_BYTES => Some((number, rows)),
            _ => None,
        })
        .collect();
    large.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.bytes));
    large.truncate(LOCKED_BEFOREHAND);
    let named = large
        .into_iter()
        .map(|(number, rows)| (number, qualified(&rows.schema, &rows.name)));
    named.collect()
}

/// Locks these tables for reading; those that could not be.
async fn not_locked(session: &Session, tables: &[(usize, String)]) -> Result<Vec<usize>> {
    let names: Vec<&str> = tables.iter().map(|(_, name)| name.as_str()).collect();
    let mut refused = Vec::new();
    if names.is_empty() || lock(session, &names).await? {
        return Ok(refused);
    }
    for (step, name) in tables {
        if !lock(session, &[name]).await? {
            refused.push(*step);
        }
    }
    Ok(refused)
}

/// Locks all these tables for reading, or none.
async fn lock(session: &Session, names: &[&str]) -> Result<bool> {
    let statements = format!(
        "SAVEPOINT beforehand; LOCK TABLE ONLY {} IN ACCESS SHARE MODE; RELEASE SAVEPOINT beforehand",
        names.join(", ONLY ")
    );
    match session
        .client
        .batch_execute(&statements)
        .await
        .map_err(|e| session.explain(e))
    {
        Ok(()) => Ok(true),
        Err(e) if is_out_of_turn(&e) => {
            let back = "ROLLBACK TO SAVEPOINT beforehand; RELEASE SAVEPOINT beforehand";
            session.client.batch_execute(back).await?;
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

async fn copy_by_leader(
    leader: &Session,
    query: &str,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let explain = |e| leader.explain(e);
    let pieces = leader.client.copy_out(query).await.map_err(explain)?;
    pin_mut!(pieces);
    while let Some(piece) = pieces.next().await {
        take(&piece.map_err(explain)?)?;
    }
    Ok(())
}
