//! A worker: one connection on the shared snapshot, one thread that receives, cuts, hashes and compresses.
//!
//! Each worker has a thread with a runtime of its own, so that compression runs where the data arrived, without handing
//! every piece from one thread to another.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, pin_mut};

use super::Source;
use super::cutter::Cutter;
use super::insert::Inserter;
use super::order::Order;
use super::query;
use super::unit::{Piece, Unit, Units};
use crate::archive::{Compression, Owner};
use crate::catalog::rows::InsertForm;
use crate::connect::{CancelHandle, CopyReader, Session, connect, is_out_of_turn};
use crate::event::{Event, Observer};
use crate::plan::{Plan, Step, TableRows};
use crate::sql::qualified;
use crate::{Error, Result, escape};

/// What all workers share.
pub(super) struct Work<'a> {
    pub(super) plan: &'a Plan,
    pub(super) units: Mutex<Units<'a>>,
    pub(super) order: &'a Order,
    pub(super) compression: Compression,
    pub(super) check_members: bool,
    pub(super) digests_only: bool,
    pub(super) observer: &'a dyn Observer,
    /// The encoding in which rows are wanted, where that is not the session's.
    pub(super) encoding: Option<&'a str>,
    /// Workers that have not given up.
    pub(super) alive: AtomicUsize,
}

impl Work<'_> {
    /// A worker's thread, from its connection to the last unit. Its errors stop all others.
    pub(super) fn thread(&self, source: &Source) {
        let _guard = self.order.stop_on_panic();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = match runtime {
            Ok(runtime) => runtime.block_on(self.whole(source)),
            Err(e) => Err(Error::io("cannot start a worker", e)),
        };
        if let Err(e) = done {
            self.order.stop(e);
        }
    }

    async fn whole(&self, source: &Source) -> Result<()> {
        if source.snapshot.id.is_none() {
            let cancel = source.leader.cancel_handle();
            return self
                .until_stopped(cancel, self.units(&mut Rows::Leader(&source.leader)))
                .await;
        }
        let reader = tokio::select! {
            biased;
            () = self.order.stopped() => return Ok(()),
            reader = join(source) => match reader {
                Err(e) if self.can_do_without(&e) => {
                    self.observer.event(Event::Warning(format!("one connection less reads rows: {e}")));
                    return Ok(());
                }
                reader => reader?,
            },
        };
        let cancel = reader.cancel_handle();
        let mut rows = Rows::Own(Box::new(reader), source);
        self.until_stopped(cancel, self.units(&mut rows)).await?;
        if let Rows::Own(reader, _) = rows {
            reader.close().await;
        }
        Ok(())
    }

    /// Whether the server has no room for this worker, but has for others.
    fn can_do_without(&self, e: &Error) -> bool {
        let full = e.server().is_some_and(|server| server.code.starts_with("53"));
        full && self.alive.fetch_sub(1, Ordering::Relaxed) > 1
    }

    /// Does the work until it ends or everything is stopped; then the server is asked to stop, too.
    async fn until_stopped(
        &self,
        cancel: CancelHandle,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        tokio::select! {
            biased;
            () = self.order.stopped() => {
                // The server may be gone; there is nobody to tell.
                let _ = cancel.cancel().await;
                Ok(())
            }
            done = work => done,
        }
    }

    /// Works off units until there are none.
    async fn units(&self, source: &mut Rows<'_>) -> Result<()> {
        let mut cutter = Cutter::new(self.compression, self.check_members);
        if self.digests_only {
            cutter = cutter.digests_only();
        }
        while let Some((number, unit)) = self.order.begin(&self.units) {
            self.unit(source, &mut cutter, number, &unit).await?;
            self.order.finish(number);
            self.observer.event(Event::Moved {
                rows: 0,
                bytes: unit.bytes,
            });
        }
        Ok(())
    }

    async fn unit(
        &self,
        source: &mut Rows<'_>,
        cutter: &mut Cutter,
        number: usize,
        unit: &Unit,
    ) -> Result<()> {
        let push = |member: Option<_>| member.map_or(Ok(()), |member| self.order.push(number, member));
        for piece in &unit.pieces {
            match piece {
                Piece::Sql { step } => match &self.plan.steps[*step] {
                    Step::Sql(text) => push(cutter.sql(&escape::to_bytes(text)))?,
                    Step::Statements(query) => {
                        let form = InsertForm::statements();
                        let copied = self
                            .insert(
                                source,
                                cutter,
                                number,
                                &query::encoded(query, self.encoding),
                                &form,
                            )
                            .await;
                        copied.map_err(|e| e.context("dumping the planner's statistics"))?;
                    }
                    Step::Rows(_) | Step::LargeObjects(_) => {}
                },
                Piece::Rows { step, table, pages } => {
                    let Step::Rows(rows) = &self.plan.steps[*step] else {
                        continue;
                    };
                    if Piece::is_first(pages) {
                        push(cutter.sql(&escape::to_bytes(&rows.begin)))?;
                    }
                    let query = query::rows(rows, pages);
                    let query = query::encoded(&query, self.encoding);
                    let copied = match &rows.inserts {
                        None => {
                            cutter.begin_rows(Owner::Table(*table));
                            self.copy(source, cutter, number, &query).await
                        }
                        Some(form) => self.insert(source, cutter, number, &query, form).await,
                    };
                    copied.map_err(|e| e.context(format!("dumping {}", name(rows))))?;
                    if Piece::is_last(pages) {
                        push(cutter.sql(&escape::to_bytes(&rows.end)))?;
                    }
                }
                Piece::LargeObjects { step, which } => {
                    let Step::LargeObjects(oids) = &self.plan.steps[*step] else {
                        continue;
                    };
                    cutter.begin_rows(Owner::LargeObjects);
                    let query = query::large_objects(&oids[which.clone()]);
                    let copied = self.copy(source, cutter, number, &query).await;
                    copied.map_err(|e| e.context("dumping large objects"))?;
                }
            }
        }
        push(cutter.finish())
    }

    /// Streams the rows that a COPY statement gives into members.
    async fn copy(
        &self,
        source: &mut Rows<'_>,
        cutter: &mut Cutter,
        number: usize,
        query: &str,
    ) -> Result<()> {
        let push = |member| self.order.push(number, member);
        let turn = || self.order.wait_for_head(number);
        source.copy(query, turn, |piece| cutter.rows(piece, push)).await?;
        if cutter.end_rows() {
            Ok(())
        } else {
            Err(Error::failed("the server's last row has no end"))
        }
    }

    /// Streams the rows that a COPY statement gives into members as INSERT statements.
    async fn insert(
        &self,
        source: &mut Rows<'_>,
        cutter: &mut Cutter,
        number: usize,
        query: &str,
        form: &InsertForm,
    ) -> Result<()> {
        let mut inserter = Inserter::new(form);
        let push = |member: Option<_>| member.map_or(Ok(()), |member| self.order.push(number, member));
        let turn = || self.order.wait_for_head(number);
        source
            .copy(query, turn, |piece| push(cutter.sql(inserter.rows(piece)?)))
            .await?;
        push(cutter.sql(inserter.finish()?))
    }
}

/// A connection to read rows from.
enum Rows<'a> {
    /// A worker's own, and where to get another.
    Own(Box<CopyReader>, &'a Source),
    /// The leader's, where the snapshot cannot be shared. Others still need it, so it stays a session.
    Leader(&'a Session),
}

impl Rows<'_> {
    /// Hands on what a COPY statement gives, piece by piece.
    ///
    /// Rows that only the leader may lock are read by the leader, when it is the unit's `turn`: of all workers only the
    /// one at the head may use the leader, for it alone never waits for another.
    async fn copy(
        &mut self,
        query: &str,
        turn: impl FnOnce() -> Result<()>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        match self {
            Rows::Own(reader, source) => match reader.copy_out(query, &mut take).await {
                // Locks come before rows: none were taken.
                Err(e) if is_out_of_turn(&e) => {
                    std::mem::replace(&mut **reader, join(source).await?)
                        .close()
                        .await;
                    turn()?;
                    copy_by_leader(&source.leader, query, take).await
                }
                done => done,
            },
            Rows::Leader(leader) => copy_by_leader(leader, query, take).await,
        }
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

/// A connection that sees what the leader sees.
async fn join(source: &Source) -> Result<CopyReader> {
    let session = connect(&source.settings).await?;
    source.snapshot.join(&session).await?;
    session.into_copy_reader().await
}

/// The table's name for messages.
fn name(rows: &TableRows) -> String {
    qualified(&rows.schema, &rows.name)
}
