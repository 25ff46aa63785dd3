//! A worker: one connection on the shared snapshot, one thread that receives, cuts, hashes and compresses.
//!
//! Each worker has a thread with a runtime of its own, so that compression runs where the data arrived, without handing
//! every piece from one thread to another.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Source;
use super::cutter::Cutter;
use super::insert::Inserter;
use super::order::Order;
use super::query;
use super::reader::{LeadersShare, OwnReader, Reader, Rows};
use super::unit::{Piece, Unit, Units};
use crate::archive::{Compression, Digest, Owner};
use crate::catalog::rows::InsertForm;
use crate::connect::CancelHandle;
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
    /// Steps whose rows are not read.
    pub(super) known: &'a HashMap<usize, Digest>,
    pub(super) observer: &'a dyn Observer,
    /// The encoding in which rows are wanted, where that is not the session's.
    pub(super) encoding: Option<&'a str>,
    /// What workers lock before they read.
    pub(super) large: Vec<(usize, String)>,
    pub(super) share: &'a LeadersShare,
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
            let mut reader = Reader::Leader(&source.leader);
            return self.until_stopped(cancel, source, self.units(&mut reader)).await;
        }
        let reader = tokio::select! {
            biased;
            () = self.order.stopped() => return Ok(()),
            reader = OwnReader::join(source, self.share, &self.large, |step| self.tell_of_leader(step)) => match reader {
                Err(e) if self.can_do_without(&e) => {
                    self.observer.event(Event::Warning(format!("one connection less reads rows: {e}")));
                    return Ok(());
                }
                reader => reader?,
            },
        };
        let cancel = reader.cancel_handle();
        let mut reader = Reader::Own(Box::new(reader));
        self.until_stopped(cancel, source, self.units(&mut reader))
            .await?;
        if let Reader::Own(reader) = reader {
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
        source: &Source,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        tokio::select! {
            biased;
            () = self.order.stopped() => {
                // The server may be gone; there is nobody to tell.
                let _ = cancel.cancel().await;
                if self.share.is_reading() {
                    let _ = source.leader.cancel().await;
                }
                Ok(())
            }
            done = work => done,
        }
    }

    /// Works off units until there are none.
    async fn units(&self, reader: &mut Reader<'_>) -> Result<()> {
        let mut cutter = Cutter::new(self.compression, self.check_members);
        if self.digests_only {
            cutter = cutter.digests_only();
        }
        while let Some((number, unit)) = self.order.begin(&self.units) {
            reader.begin_unit();
            self.unit(reader, &mut cutter, number, &unit).await?;
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
        reader: &mut Reader<'_>,
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
                        let query = &query::encoded(query, self.encoding);
                        let rows = Rows { step: *step, query };
                        let copied = self.insert(reader, cutter, number, &rows, &form).await;
                        copied.map_err(|e| e.context("dumping the planner's statistics"))?;
                    }
                    Step::Rows(_) | Step::LargeObjects(_) => {}
                },
                Piece::Rows { step, table, pages } => {
                    let Step::Rows(of) = &self.plan.steps[*step] else {
                        continue;
                    };
                    if Piece::is_first(pages) {
                        push(cutter.sql(&escape::to_bytes(&of.begin)))?;
                    }
                    let query = query::rows(of, pages);
                    let query = &query::encoded(&query, self.encoding);
                    let rows = Rows { step: *step, query };
                    let copied = match &of.inserts {
                        None if self.known.contains_key(step) => {
                            cutter.begin_rows(Owner::Table(*table));
                            cutter.end_rows();
                            Ok(())
                        }
                        None => {
                            cutter.begin_rows(Owner::Table(*table));
                            self.copy(reader, cutter, number, &rows).await
                        }
                        Some(form) => self.insert(reader, cutter, number, &rows, form).await,
                    };
                    copied.map_err(|e| e.context(format!("dumping {}", name(of))))?;
                    if Piece::is_last(pages) {
                        push(cutter.sql(&escape::to_bytes(&of.end)))?;
                    }
                }
                Piece::LargeObjects { step, which } => {
                    let Step::LargeObjects(oids) = &self.plan.steps[*step] else {
                        continue;
                    };
                    cutter.begin_rows(Owner::LargeObjects);
                    let query = &query::large_objects(&oids[which.clone()]);
                    let rows = Rows { step: *step, query };
                    let copied = self.copy(reader, cutter, number, &rows).await;
                    copied.map_err(|e| e.context("dumping large objects"))?;
                }
            }
        }
        push(cutter.finish())
    }

    /// Says why a table is read by one connection.
    fn tell_of_leader(&self, step: usize) {
        if let Step::Rows(rows) = &self.plan.steps[step] {
            self.observer.event(Event::Info(format!(
                "another session holds or awaits a lock on {}: it is read by one connection alone",
                name(rows)
            )));
        }
    }

    /// Streams the rows that a COPY statement gives into members.
    async fn copy(
        &self,
        reader: &mut Reader<'_>,
        cutter: &mut Cutter,
        number: usize,
        rows: &Rows<'_>,
    ) -> Result<()> {
        let push = |member| self.order.push(number, member);
        let turn = || self.order.wait_for_head(number);
        let told = |step| self.tell_of_leader(step);
        reader
            .copy(rows, turn, told, |piece| cutter.rows(piece, push))
            .await?;
        if cutter.end_rows() {
            Ok(())
        } else {
            Err(Error::failed("the server's last row has no end"))
        }
    }

    /// Streams the rows that a COPY statement gives into members as INSERT statements.
    async fn insert(
        &self,
        reader: &mut Reader<'_>,
        cutter: &mut Cutter,
        number: usize,
        rows: &Rows<'_>,
        form: &InsertForm,
    ) -> Result<()> {
        let mut inserter = Inserter::new(form);
        let push = |member: Option<_>| member.map_or(Ok(()), |member| self.order.push(number, member));
        let turn = || self.order.wait_for_head(number);
        let told = |step| self.tell_of_leader(step);
        reader
            .copy(rows, turn, told, |piece| push(cutter.sql(inserter.rows(piece)?)))
            .await?;
        push(cutter.sql(inserter.finish()?))
    }
}

/// The table's name for messages.
fn name(rows: &TableRows) -> String {
    qualified(&rows.schema, &rows.name)
}
