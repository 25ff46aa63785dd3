//! A script replayed into a database that is dropped if that fails, by several connections.
//!
//! The leader reads the file without its rows, by the index. It replays what comes before the rows, beside which others
//! already load the largest tables; from then on it puts up tasks, which all connections do: rows first, then indexes and keys as soon as their table's rows are there, foreign
//! keys last. What nothing else needs (comments, privileges, triggers) it does at the end, in the file's order; what may
//! be needed stops everything else for as long as it takes.
//!
//! Rows go to the server as they stand in the file, or, where every one of them is read back and compared afterwards, in
//! binary form.
//!
//! Not promised: one transaction. Whoever calls drops the database on an error.

mod board;
mod early;
mod leader;
mod order;
mod prove;
mod rows;
mod types;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::freeze::Freezer;
use super::gate::Gate;
use super::source;
use super::{Options, Script, preflight, setting};
use crate::archive::{Archive, Excerpt, Format, Index, OpenFile, Wanted};
use crate::connect::{Session, Settings, connect};
use crate::dump::{self, Known};
use crate::event::{Event, Observer, Phase};
use crate::{Error, Result};
use board::{Board, Number};
use leader::{Divided, Leader};
use prove::{Part, Proofs, Prover};
use types::Types;
use worker::{Task, Worker};

/// Schema and table, unquoted.
type Names = (String, String);

/// What a restore over several connections is given.
pub(super) struct Job<'a> {
    /// How to connect to the new database.
    pub(super) settings: &'a Settings,
    pub(super) options: &'a Options,
    pub(super) observer: &'a Arc<dyn Observer>,
    /// The dump that will be held against the file, if one will.
    pub(super) proof: Option<&'a dump::Request>,
}

/// What a restore came to.
pub(super) struct Done {
    pub(super) counts: Counts,
    /// When everything was there.
    pub(super) at: Instant,
    /// What has been read back of it.
    pub(super) known: Known,
}

/// Whether several connections can share the work: by the file's index, and if all of it is wanted.
pub(super) fn is_possible(options: &Options) -> bool {
    options.jobs > 1 && !options.create && options.choice.selection().is_everything()
}

/// Replays a file into the session's database, which nobody else uses yet.
pub(super) async fn run(
    job: &Job<'_>,
    session: Session,
    archive: Archive<OpenFile>,
    cancel: &CancellationToken,
) -> Result<Done> {
    job.observer.event(Event::Phase(Phase::Restore));
    let version = session.version;
    let standard_strings = setting(&session, "standard_conforming_strings").await? == "on";
    let roles = preflight::roles(&session).await?;
    let gate = Gate::new(session.version, roles, job.options, job.observer);
    let format = archive.format();
    let wanted = Wanted::no_rows(archive.index());
    let excerpt = Excerpt::new(archive, wanted, 1);
    let shared = Arc::new(Shared {
        board: Mutex::default(),
        changed: watch::Sender::default(),
        stop: cancel.child_token(),
        jobs: job.options.jobs,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        file: excerpt.file().clone(),
        format,
        types: job.proof.map(|_| Types::new(job.settings, excerpt.index())),
    });
    // Whoever drops this future wants nobody to go on.
    let _guard = shared.stop.clone().drop_guard();
    let mut provers = provers(job, excerpt.index(), &shared);
    let mut helpers = Vec::new();
    let freezer = if job.options.freeze {
        Freezer::default()
    } else {
        Freezer::off()
    };
    let worker = Worker::of(session, job.options, job.observer).await?;
    let index = Arc::clone(excerpt.index());
    let mut leader = Leader::new(worker, &index, &shared, gate, freezer);
    leader.proofs = (!provers.is_empty()).then_some(Divided(version >= 140_000));
    for number in 1..job.options.jobs {
        match Worker::begin(job.settings, job.options, job.observer).await {
            Ok(worker) => helpers.push(help(worker, Arc::clone(&shared))),
            Err(e) => {
                let text = format!(
                    "only {number} of {} connections can be made: {e}",
                    job.options.jobs
                );
                job.observer.event(Event::Warning(text));
                break;
            }
        }
    }
    let batches = source::start(Script::Archive(Box::new(excerpt)), standard_strings);
    let lead = async {
        let stop = shared.stop.clone();
        let led = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Error::interrupted()),
            led = leader.all(batches) => led,
        };
        if led.is_err() {
            stop.cancel();
        }
        let at = Instant::now();
        if led.is_ok() {
            let (tables, bytes) = shared.lock().proofs.left(&index);
            if tables > 0 {
                job.observer.event(Event::Total { tables, bytes });
                job.observer.event(Event::Phase(Phase::Verify));
            }
        }
        shared.lock().over = true;
        shared.tell();
        let Leader { worker, created, .. } = leader;
        let counts = worker.conversation.counts;
        worker.end(led.is_err()).await;
        (led.map(|()| counts), created, at)
    };
    let ((mut result, created, at), helped, _) =
        tokio::join!(lead, join_all(helpers), join_all(&mut provers));
    for helped in helped {
        match (&mut result, helped) {
            (Ok(counts), Ok(helped)) => counts.add(&helped),
            // The first one that failed stopped all others.
            (_, Err(e)) if !is_stopped(&e) => result = Err(e),
            _ => {}
        }
    }
    if cancel.is_cancelled() {
        result = Err(Error::interrupted());
    }
    if result.is_err() && !created.is_empty() {
        let names: Vec<_> = created
            .iter()
            .map(|n| String::from_utf8_lossy(n).into_owned())
            .collect();
        job.observer.event(Event::Warning(format!(
            "roles that were created and are still there: {}",
            names.join(", ")
        )));
    }
    let counts = result?;
    let known = known(job, &shared, &index).await;
    Ok(Done { counts, at, known })
}

/// Those that read tables back while others are filled, as many as fill them: what is resolved when each has ended.
fn provers(job: &Job<'_>, index: &Arc<Index>, shared: &Arc<Shared>) -> Vec<oneshot::Receiver<()>> {
    let is_plain = |request: &&dump::Request| {
        let plan = &request.plan;
        !plan.via_root
            && plan.inserts.is_none()
            && plan.encoding.is_none()
            && !request.snapshot.enable_row_security
    };
    let Some(request) = job.proof.filter(is_plain) else {
        return Vec::new();
    };
    let prover = Prover {
        settings: job.settings.clone(),
        options: request.snapshot.clone(),
        index: Arc::clone(index),
        observer: Arc::clone(job.observer),
        shared: Arc::clone(shared),
    };
    (0..job.options.jobs)
        .filter_map(|_| prover.clone().start())
        .collect()
}

/// What has been read back, if nothing can have changed it since.
async fn known(job: &Job<'_>, shared: &Shared, index: &Index) -> Known {
    let known = shared.lock().proofs.known(index);
    if known.is_empty() {
        return known;
    }
    let quiet = async { prove::is_quiet(&connect(job.settings).await?).await };
    match quiet.await {
        Ok(true) => known,
        // Whatever is wrong, the proof itself will find it.
        _ => Known::new(),
    }
}

fn is_stopped(error: &Error) -> bool {
    error.kind() == crate::error::Kind::Interrupted
}

/// What all connections share.
struct Shared {
    board: Mutex<Posted>,
    /// Counts what has happened on the board.
    changed: watch::Sender<u64>,
    /// Cancelled by whoever fails first, or from outside.
    stop: CancellationToken,
    /// Connections that fill the database.
    jobs: usize,
    /// Processors that they may keep busy: the server does not tell how many it has, and most often it has ours.
    processors: usize,
    file: OpenFile,
    format: Format,
    /// What large tables can be converted by, if they may be.
    types: Option<Types>,
}

/// The board with what its tasks are.
#[derive(Default)]
struct Posted {
    board: Board,
    tasks: BTreeMap<Number, Task>,
    /// Whether tasks may be begun: only when all of them are known can the largest be first.
    open: bool,
    /// Tasks that may be begun before.
    early: Vec<Number>,
    /// There will be no more.
    over: bool,
    /// Tasks being done.
    working: usize,
    proofs: Proofs,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it known what a task on the board is.
    fn put_up(&self, mut posted: MutexGuard<'_, Posted>, number: Number, task: Task) {
        posted.tasks.insert(number, task);
        let open = posted.open;
        drop(posted);
        if open {
            self.tell();
        }
    }

    /// Something happened on the board.
    fn tell(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// The next task, if there is one to be begun.
    fn take(&self) -> Option<(Number, Task)> {
        let mut posted = self.lock();
        let number = match posted.early.pop() {
            Some(number) => posted.board.claim(number),
            None if posted.open => posted.board.take(),
            None => None,
        }?;
        let task = posted.tasks.remove(&number)?;
        posted.working += 1;
        Some((number, task))
    }

    /// Processors that no task has anything to do for.
    fn spare(&self) -> usize {
        self.processors.saturating_sub(self.lock().working)
    }

    /// The next part of a table to be read back, if there is one, and whether that is all there is to do. One may always
    /// be read: those who fill the database wait for disks and networks now and then. More are where they have less to
    /// do.
    fn take_part(&self) -> (Option<Part>, bool) {
        let mut posted = self.lock();
        let Posted {
            board,
            over,
            working,
            proofs,
            ..
        } = &mut *posted;
        let most = 1 + self.jobs.saturating_sub(*working);
        (proofs.take(board, most), *over)
    }

    /// Does a task, and says so.
    async fn work(&self, worker: &mut Worker, (number, task): (Number, Task)) -> Result<()> {
        worker.run(&task, self).await?;
        let mut posted = self.lock();
        posted.board.done(number);
        posted.working -= 1;
        drop(posted);
        self.tell();
        Ok(())
    }
}

/// Waits for something to happen on the board.
async fn wait(changed: &mut watch::Receiver<u64>) {
    // Whoever could tell is gone only when everything is.
    let _ = changed.changed().await;
}

/// What a helper does until all is over.
async fn help(mut worker: Worker, shared: Arc<Shared>) -> Result<Counts> {
    let stop = shared.stop.clone();
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Err(Error::interrupted()),
        result = tasks(&mut worker, &shared) => result,
    };
    let counts = worker.conversation.counts;
    if result.is_err() {
        stop.cancel();
    }
    worker.end(result.is_err()).await;
    result.map(|()| counts)
}

/// Does tasks until there will be no more.
async fn tasks(worker: &mut Worker, shared: &Shared) -> Result<()> {
    let mut changed = shared.changed.subscribe();
    loop {
        // From here on no change is missed.
        changed.mark_unchanged();
        match shared.take() {
            Some(task) => shared.work(worker, task).await?,
            None if shared.lock().over => return Ok(()),
            None => wait(&mut changed).await,
        }
    }
}
