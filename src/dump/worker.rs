//! A worker: one connection on the shared snapshot, one thread that receives, cuts, hashes and compresses.
//!
//! Each worker has a thread with a runtime of its own, so that compression runs where the data arrived, without handing
//! every piece from one thread to another.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, pin_mut};

use super::Source;
use super::cutter::Cutter;
use super::order::Order;
use super::query;
use super::unit::{Piece, Unit, Units};
use crate::archive::{Compression, Owner};
use crate::connect::{Session, connect};
use crate::event::{Event, Observer};
use crate::plan::{Plan, Step, TableRows};
use crate::sql::qualified;
use crate::{Error, Result};

/// What all workers share.
pub(super) struct Work<'a> {
    pub(super) plan: &'a Plan,
    pub(super) units: Mutex<Units<'a>>,
    pub(super) order: &'a Order,
    pub(super) compression: Compression,
    pub(super) observer: &'a dyn Observer,
    /// Workers that have not given up.
    pub(super) alive: AtomicUsize,
}

impl Work<'_> {
    /// A worker's thread, from its connection to the last unit. Its errors stop all others.
    pub(super) fn thread(&self, source: &Source) {
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
            return self.run(&source.leader).await;
        }
        let session = tokio::select! {
            biased;
            () = self.order.stopped() => return Ok(()),
            session = join(source) => match session {
                Err(e) if self.can_do_without(&e) => {
                    self.observer.event(Event::Warning(format!("one connection less reads rows: {e}")));
                    return Ok(());
                }
                session => session?,
            },
        };
        let done = self.run(&session).await;
        hang_up(session).await;
        done
    }

    /// Whether the server has no room for this worker, but has for others.
    fn can_do_without(&self, e: &Error) -> bool {
        let full = e.server().is_some_and(|server| server.code.starts_with("53"));
        full && self.alive.fetch_sub(1, Ordering::Relaxed) > 1
    }

    /// Works off units until there are none or the work is stopped; then the server is asked to stop, too.
    async fn run(&self, session: &Session) -> Result<()> {
        tokio::select! {
            biased;
            () = self.order.stopped() => {
                // The server may be gone; there is nobody to tell.
                let _ = session.cancel().await;
                Ok(())
            }
            done = self.units(session) => done,
        }
    }

    async fn units(&self, session: &Session) -> Result<()> {
        let mut cutter = Cutter::new(self.compression);
        while let Some((number, unit)) = self.order.begin(&self.units) {
            self.unit(session, &mut cutter, number, &unit).await?;
            self.order.finish(number);
            self.observer.event(Event::Moved {
                rows: 0,
                bytes: unit.bytes,
            });
        }
        Ok(())
    }

    async fn unit(&self, session: &Session, cutter: &mut Cutter, number: usize, unit: &Unit) -> Result<()> {
        let push = |member: Option<_>| member.map_or(Ok(()), |member| self.order.push(number, member));
        for piece in &unit.pieces {
            match piece {
                Piece::Sql { step } => {
                    if let Step::Sql(text) = &self.plan.steps[*step] {
                        push(cutter.sql(text))?;
                    }
                }
                Piece::Rows { step, table, pages } => {
                    let Step::Rows(rows) = &self.plan.steps[*step] else {
                        continue;
                    };
                    if Piece::is_first(pages) {
                        push(cutter.sql(&rows.begin))?;
                    }
                    cutter.begin_rows(Owner::Table(*table));
                    let copied = self
                        .copy(session, cutter, number, &query::rows(rows, pages))
                        .await;
                    copied.map_err(|e| e.context(format!("dumping {}", name(rows))))?;
                    if Piece::is_last(pages) {
                        push(cutter.sql(&rows.end))?;
                    }
                }
                Piece::LargeObjects { step, which } => {
                    let Step::LargeObjects(oids) = &self.plan.steps[*step] else {
                        continue;
                    };
                    cutter.begin_rows(Owner::LargeObjects);
                    let query = query::large_objects(&oids[which.clone()]);
                    let copied = self.copy(session, cutter, number, &query).await;
                    copied.map_err(|e| e.context("dumping large objects"))?;
                }
            }
        }
        push(cutter.finish())
    }

    /// Streams the rows that a COPY statement gives into members.
    async fn copy(&self, session: &Session, cutter: &mut Cutter, number: usize, query: &str) -> Result<()> {
        let stream = session
            .client
            .copy_out(query)
            .await
            .map_err(|e| session.explain(e))?;
        pin_mut!(stream);
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|e| session.explain(e))?;
            cutter.rows(&piece, |member| self.order.push(number, member))?;
        }
        if cutter.end_rows() {
            Ok(())
        } else {
            Err(Error::failed("the server's last row has no end"))
        }
    }
}

/// A session that sees what the leader sees.
async fn join(source: &Source) -> Result<Session> {
    let session = connect(&source.settings).await?;
    source.snapshot.join(&session).await?;
    Ok(session)
}

/// The table's name for messages.
fn name(rows: &TableRows) -> String {
    qualified(&rows.schema, &rows.name)
}

/// Ends the connection politely; the server would log a lost one otherwise.
async fn hang_up(session: Session) {
    let Session {
        client, mut notices, ..
    } = session;
    drop(client);
    // The driver ends when it has said goodbye, and with it the notices.
    let goodbye = async { while notices.recv().await.is_some() {} };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), goodbye).await;
}
