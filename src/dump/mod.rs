//! Rows from many connections into one ordered stream.
//!
//! A plan is cut into units of about 8 MB: small tables share one, a large heap is many, by ranges of pages. Workers,
//! each with a connection of its own on the shared snapshot, take units in order, receive COPY text, cut it at the ends
//! of rows, hash and compress it. The writer puts the members into the file in the order of the units.
//!
//! What is promised: the same snapshot and plan give the same bytes whatever the number of workers; memory is bounded by
//! the number of workers and depends neither on the database nor on the length of rows; the first error ends the work
//! within moments, cancels what the server is doing and is the one reported. What is not: a finished file. [`stream`]
//! writes to what it is given; names, fsync and the check of what was written are its caller's.

mod content;
mod cutter;
mod database;
mod encoding;
mod globals;
mod insert;
mod locked;
mod order;
mod query;
mod reader;
mod unit;
mod worker;

pub use content::{Known, KnownRows, Request};
pub use cutter::Cutter;
pub use database::database;
pub use globals::globals;
pub use query::copy_statement;

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::archive::{Compression, Counted, Digest, Header, Owner, Summary, Table, Writer};
use crate::connect::{Session, Settings, Snapshot};
use crate::event::{Event, Observer};
use crate::plan::{Plan, Step, TableRows};
use crate::{Error, Result};

use order::Order;
use reader::LeadersShare;
use unit::Units;
use worker::Work;

/// Where the rows come from.
pub struct Source {
    /// How workers connect.
    pub settings: Settings,
    /// The session that holds the snapshot. It stays open until the end, and is the only worker where the snapshot
    /// cannot be shared.
    pub leader: Session,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The encoding in which rows are wanted, by the server's name for it; `None`: the snapshot's own.
    pub encoding: Option<String>,
}

/// How to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// The container and its level.
    pub compression: Compression,
    /// Whether each gzip member is decoded and compared before it is written.
    pub check_members: bool,
    /// Whether rows of tables are digested and counted, but not written.
    pub digests_only: bool,
    /// Steps of the plan whose rows are not read, because this is their digest.
    pub known: HashMap<usize, Digest>,
    /// Connections that read rows; `None`: as many as there are processors, at most four.
    pub jobs: Option<usize>,
    /// What the index says about the dump.
    pub header: Header,
    /// How long the server may leave a question unanswered while rows are read; it is asked as often. A table that is
    /// slow to read is no reason to stop, a network that has fallen silent is.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            compression: Compression::default(),
            check_members: false,
            digests_only: false,
            known: HashMap::new(),
            jobs: None,
            header: Header::default(),
            patience: Duration::from_secs(30),
        }
    }
}

/// Connections that read at once: as asked for, or as many as there are processors, at most four.
fn workers(jobs: Option<usize>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, |n| n.get()).min(4);
    jobs.unwrap_or_else(processors).max(1)
}

/// Writes a dump: everything the plan says, in its order, then the index.
///
/// Gives the output back, flushed but not synced. On an error nothing that was written is a dump.
pub async fn stream<W: Write + Send + 'static>(
    source: Source,
    plan: Plan,
    out: W,
    options: Options,
    observer: Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<(W, Summary)> {
    if workers(options.jobs) > 1
        && let Some(reason) = fewer_workers(&source)
    {
        observer.event(Event::Info(reason));
    }
    observer.event(total(&plan));
    if source.snapshot.id.is_some() {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::interrupted()),
            held = reader::hold_indexes(&source.leader, &plan) => held?,
        }
    }
    let patience = options.patience;
    let order = Arc::new(Order::new());
    let share = Arc::new(LeadersShare::default());
    let (tell, mut done) = tokio::sync::oneshot::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let source = Arc::new(source);
    let threads = {
        let (source, order, share) = (Arc::clone(&source), Arc::clone(&order), Arc::clone(&share));
        move || {
            let result = all_threads(&source, &plan, out, &options, &*observer, &order, &share);
            // Whoever asked may have given up waiting.
            let _ = tell.send(result);
            drop(end);
        }
    };
    std::thread::Builder::new()
        .name("dump".into())
        .spawn(threads)
        .map_err(|e| Error::io("cannot start a thread", e))?;
    let _guard = StopWhenDropped {
        order: Arc::clone(&order),
        ended,
    };
    let reason = tokio::select! {
        result = &mut done => return finished(result),
        () = cancel.cancelled() => Error::interrupted(),
        lost = lost(&source, &share, patience) => lost,
    };
    order.stop(reason);
    // A write that never returns (a pipe nobody reads) must not keep us.
    match tokio::time::timeout(Duration::from_secs(5), done).await {
        Ok(result) => finished(result),
        Err(_) => Err(order.take_error().unwrap_or_else(Error::interrupted)),
    }
}

/// Stops the workers when nobody waits for them any more.
struct StopWhenDropped {
    order: Arc<Order>,
    /// Closed when all threads have ended.
    ended: std::sync::mpsc::Receiver<()>,
}

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.order.stop(Error::interrupted());
        // The process may be about to end, and the server's queries are to be cancelled before.
        let _ = self.ended.recv_timeout(Duration::from_secs(2));
    }
}

/// Why several connections cannot do all that they do elsewhere.
fn fewer_workers(source: &Source) -> Option<String> {
    if source.snapshot.id.is_none() {
        let reason = source.snapshot.not_exported.as_deref();
        return Some(
            reason
                .unwrap_or("the snapshot cannot be shared, so one connection reads everything")
                .into(),
        );
    }
    (source.leader.version < 140_000).then(|| {
        "PostgreSQL before 14 cannot read a table in parts, so each table is read by one connection".into()
    })
}

/// Resolves when the leader's connection is lost: its locks and its snapshot go with it.
async fn lost(source: &Source, share: &LeadersShare, patience: Duration) -> Error {
    let client = &source.leader.client;
    let explain = |e| {
        source
            .leader
            .explain(e)
            .context("the connection that holds the snapshot")
    };
    let mut pulse = tokio::time::interval(Duration::from_millis(200));
    let mut asked = Instant::now();
    // Who reads rows cannot answer.
    let busy = || source.snapshot.id.is_none() || share.is_reading();
    loop {
        pulse.tick().await;
        let due = !busy() && asked.elapsed() >= patience;
        if !due && !client.is_closed() {
            continue;
        }
        match tokio::time::timeout(patience, client.simple_query("")).await {
            Ok(Ok(_)) => asked = Instant::now(),
            Ok(Err(e)) => return explain(e),
            Err(_) if busy() => asked = Instant::now(),
            Err(_) => {
                return Error::failed(format!(
                    "the server has not answered for {} seconds",
                    patience.as_secs()
                ));
            }
        }
    }
}

fn finished<T>(result: Result<Result<T>, tokio::sync::oneshot::error::RecvError>) -> Result<T> {
    result.unwrap_or_else(|_| Err(Error::failed("a worker of the dump panicked")))
}

fn total(plan: &Plan) -> Event {
    let tables = plan.steps.iter().filter_map(|step| match step {
        Step::Rows(rows) => Some(rows.bytes),
        _ => None,
    });
    Event::Total {
        tables: tables.clone().count() as u64,
        bytes: tables.sum(),
    }
}

/// Workers and the writer, each in its thread, until all have ended.
fn all_threads<W: Write + Send>(
    source: &Source,
    plan: &Plan,
    out: W,
    options: &Options,
    observer: &dyn Observer,
    order: &Order,
    share: &LeadersShare,
) -> Result<(W, Summary)> {
    let workers = if source.snapshot.id.is_some() {
        workers(options.jobs)
    } else {
        1
    };
    let work = Work {
        plan,
        units: Mutex::new(Units::new(plan)),
        order,
        compression: options.compression,
        check_members: options.check_members,
        digests_only: options.digests_only,
        known: &options.known,
        observer,
        encoding: source.encoding.as_deref(),
        large: if workers > 1 {
            reader::largest(plan)
        } else {
            Vec::new()
        },
        share,
        alive: AtomicUsize::new(workers),
    };
    let written = std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work.thread(source));
        }
        let _guard = order.stop_on_panic();
        let writer = Writer::new(out, options.compression, options.header.clone(), tables(plan));
        write(writer, order, observer).map_err(|e| order.stop(e)).ok()
    });
    match (order.take_error(), written) {
        (None, Some((out, mut summary))) => {
            fill_in(&mut summary, plan, &options.known);
            Ok((out, summary))
        }
        (Some(error), _) => Err(error),
        (None, None) => Err(Error::failed("the dump was stopped")),
    }
}

/// The tables as the index will name them.
fn tables(plan: &Plan) -> Vec<Table> {
    let tables = indexed(plan).map(|(_, rows)| Table {
        schema: rows.schema.clone(),
        name: rows.name.clone(),
        columns: rows.columns.clone(),
        filter: rows.filter.clone(),
        ..Table::default()
    });
    tables.collect()
}

/// The tables that the index tells of, with their steps. Statements are no rows that could be counted, found or compared
/// by themselves.
fn indexed(plan: &Plan) -> impl Iterator<Item = (usize, &TableRows)> {
    (0..).zip(&plan.steps).filter_map(|(number, step)| match step {
        Step::Rows(rows) if rows.inserts.is_none() => Some((number, &**rows)),
        _ => None,
    })
}

/// Tells what was known of tables that have not been read.
fn fill_in(summary: &mut Summary, plan: &Plan, known: &HashMap<usize, Digest>) {
    for ((step, _), table) in indexed(plan).zip(&mut summary.index.tables) {
        if let Some(digest) = known.get(&step) {
            table.rows.counted = Counted::from(*digest);
        }
    }
}

/// Writes members in order until there are no more.
fn write<W: Write>(mut writer: Writer<W>, order: &Order, observer: &dyn Observer) -> Result<(W, Summary)> {
    let mut current = None;
    while let Some(member) = order.pop()? {
        writer.member(&member)?;
        for span in &member.spans {
            if current != Some(span.owner) {
                tell_table(&writer, current, observer);
                current = Some(span.owner);
            }
            observer.event(Event::Moved {
                rows: span.digest.rows,
                bytes: 0,
            });
        }
    }
    tell_table(&writer, current, observer);
    writer.finish()
}

/// Says that a table is complete.
fn tell_table<W: Write>(writer: &Writer<W>, owner: Option<Owner>, observer: &dyn Observer) {
    if let Some(Owner::Table(number)) = owner {
        let table = writer.table(number);
        observer.event(Event::Table {
            schema: table.schema.clone(),
            name: table.name.clone(),
            rows: table.rows.counted.rows,
            bytes: table.rows.counted.bytes,
        });
    }
}
