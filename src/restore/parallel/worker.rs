//! One connection of a restore over several.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::rows::{Halt, Piece, read};
use super::{Names, Shared};
use crate::archive::Rows;
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Observer};
use crate::restore::binary::{Converter, Unfit};
use crate::restore::conversation::{Conversation, Form};
use crate::restore::failure::abbreviate;
use crate::restore::freeze::before_options;
use crate::restore::{
    BINARY, BINARY_FREEZE, FREEZE, MOST_HELPERS, Options, RAISED_MEMORY, roll_back, settings,
};
use crate::script::Statement;
use crate::sql::qualified;
use crate::{Error, Result};

/// What is said of everything done so far when something fails.
const DROPPED: &str = "nothing is kept of it";

/// Memory for sorting what a processor's cache does well: 256 MB take a fifth longer.
const IN_CACHE: &str = "'32MB'";

/// Settings of the script by their names: the statements that set them.
pub(super) type State = Arc<BTreeMap<Vec<u8>, Bytes>>;

/// Something for any connection to do.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) statement: Statement,
    /// The settings that the script has made before it.
    pub(super) state: State,
    pub(super) work: Work,
}

/// What there is to do.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// The rows of a COPY.
    Rows(Load),
    /// A statement that builds something.
    Build {
        /// Whether that sorts rows, and no more than a processor's cache does well.
        in_cache: bool,
    },
}

/// Rows to be loaded.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) rows: Rows,
    /// The table to be emptied before and the length of the COPY statement up to which FREEZE follows; `None`: as it is.
    pub(super) freeze: Option<(Names, usize)>,
    /// Whether other tables may still have to be made.
    pub(super) early: bool,
}

/// A connection with what it has been set to.
pub(super) struct Worker {
    pub(super) conversation: Conversation,
    state: BTreeMap<Vec<u8>, Bytes>,
    /// What the server has been told of index builds; `None` each: that is not ours to say.
    in_cache: Option<bool>,
    helpers: Option<usize>,
    observer: Arc<dyn Observer>,
}

impl Worker {
    /// Connects, with the settings that a restore begins with.
    pub(super) async fn begin(
        settings_: &Settings,
        options: &Options,
        observer: &Arc<dyn Observer>,
    ) -> Result<Worker> {
        Worker::of(connect(settings_).await?, options, observer).await
    }

    /// Takes a session over.
    pub(super) async fn of(
        session: Session,
        options: &Options,
        observer: &Arc<dyn Observer>,
    ) -> Result<Worker> {
        let opening = settings(&session, options, false).await?;
        let wire = session.into_wire().await?;
        let mut conversation = Conversation::new(wire, Arc::clone(observer), DROPPED);
        conversation.own("the settings", opening.as_bytes()).await?;
        // What is in the log is on disk before the database is given its name: its last commit sees to that.
        conversation
            .own("the settings", b"SET synchronous_commit = off")
            .await?;
        conversation.drain().await?;
        Ok(Worker {
            conversation,
            state: BTreeMap::new(),
            in_cache: options.maintenance_work_mem.is_none().then_some(false),
            helpers: options
                .parallel_maintenance_workers
                .is_none()
                .then_some(MOST_HELPERS),
            observer: Arc::clone(observer),
        })
    }

    /// Does a task, to its end.
    pub(super) async fn run(&mut self, task: &Task, shared: &Shared) -> Result<()> {
        self.set(&task.state).await?;
        match &task.work {
            Work::Rows(load) => self.load(task, load, shared).await,
            Work::Build { in_cache } => {
                self.tune(*in_cache, shared.spare()).await?;
                self.build(&task.statement).await
            }
        }
    }

    /// Sets what the script has set by then.
    pub(super) async fn set(&mut self, wanted: &State) -> Result<()> {
        for (key, text) in wanted.iter() {
            if self.state.get(key) != Some(text) {
                self.conversation.own("a setting of the script", text).await?;
                self.state.insert(key.clone(), text.clone());
            }
        }
        Ok(())
    }

    /// The session has run this setting of the script itself.
    pub(super) fn note(&mut self, key: &[u8], text: &Bytes) {
        self.state.insert(key.to_vec(), text.clone());
    }

    /// Gives an index build memory, and lets at most so many processes help: where other connections keep all processors
    /// busy, one process has less to do than several have together.
    async fn tune(&mut self, in_cache: bool, spare: usize) -> Result<()> {
        if self.in_cache.is_some_and(|now| now != in_cache) {
            let memory = if in_cache { IN_CACHE } else { RAISED_MEMORY };
            let set = format!("SELECT pg_catalog.set_config('maintenance_work_mem', {memory}, false)");
            self.conversation.own("the settings", set.as_bytes()).await?;
            self.in_cache = Some(in_cache);
        }
        let helpers = spare.min(MOST_HELPERS);
        if self.helpers.is_some_and(|now| now != helpers) {
            let set = format!("SET max_parallel_maintenance_workers = {helpers}");
            self.conversation.own("the settings", set.as_bytes()).await?;
            self.helpers = Some(helpers);
        }
        Ok(())
    }

    async fn build(&mut self, statement: &Statement) -> Result<()> {
        const ATTEMPTS: u32 = 5;
        for attempt in 1.. {
            let sent = self.conversation.statement(statement).await;
            let done = match sent {
                Ok(()) => self.conversation.drain().await.map(drop),
                Err(e) => Err(e),
            };
            match done {
                // Tables that refer to each other and to their partitions: the other one goes first.
                Err(e) if attempt < ATTEMPTS && e.server().is_some_and(|s| s.code == "40P01") => {}
                done => return done,
            }
        }
        Ok(())
    }

    /// Rows in a transaction of their own, converted if they can be.
    async fn load(&mut self, task: &Task, load: &Load, shared: &Shared) -> Result<()> {
        let mut told = 0;
        if let Some(types) = &shared.types {
            let text = &task.statement.text;
            let converter = types.converter(text, load, &task.state, &*self.observer);
            if let Some(converter) = converter.await {
                match self.rows(task, load, shared, Some(converter), &mut told).await? {
                    None => return Ok(()),
                    Some(unfit) => self.observer.event(Event::Info(format!(
                        "line {}: loaded as text, for row {} cannot be converted: {}",
                        task.statement.line,
                        unfit.row,
                        abbreviate(text)
                    ))),
                }
            }
        }
        self.rows(task, load, shared, None, &mut told).await.map(drop)
    }

    /// Rows in a transaction which empties the table first: only then can they be frozen. If they cannot be converted
    /// nothing is left of them. Of the file's bytes the first have been `told` of before.
    async fn rows(
        &mut self,
        task: &Task,
        load: &Load,
        shared: &Shared,
        converter: Option<Converter>,
        told: &mut u64,
    ) -> Result<Option<Unfit>> {
        let before = self.conversation.counts.rows;
        self.copy(&task.statement, load, converter.is_some()).await?;
        let mut pieces = read(&shared.file, shared.format, &load.rows, converter);
        let mut moved = 0;
        while let Some(piece) = pieces.recv().await {
            match piece {
                Ok(Piece { data, text, stored }) => {
                    self.conversation.rows(&data, text).await?;
                    moved += stored;
                    let bytes = moved.saturating_sub(*told);
                    *told += bytes;
                    self.observer.event(Event::Moved { rows: 0, bytes });
                }
                Err(Halt::Failed(e)) => return Err(e),
                Err(Halt::Unfit(unfit)) => {
                    self.conversation
                        .withdraw_rows("rows cannot be converted")
                        .await?;
                    self.conversation.own("ROLLBACK", b"ROLLBACK").await?;
                    return self.conversation.drain().await.map(|_| Some(unfit));
                }
            }
        }
        self.conversation.end_of_rows().await?;
        self.conversation.own("the end of the rows", b"COMMIT").await?;
        let tag = self.conversation.drain().await?;
        if tag != "COMMIT" {
            return Err(Error::failed(format!("the server answered COMMIT with {tag}")));
        }
        let loaded = self.conversation.counts.rows - before;
        if loaded != load.rows.counted.rows {
            return Err(Error::damaged(format!(
                "line {}: {loaded} rows were loaded, but the index says {}",
                task.statement.line, load.rows.counted.rows
            )));
        }
        Ok(None)
    }

    /// Begins a transaction and a COPY in it.
    async fn copy(&mut self, statement: &Statement, load: &Load, binary: bool) -> Result<()> {
        let text = &statement.text[..];
        match &load.freeze {
            Some(((schema, table), _)) => {
                let truncate = format!("BEGIN; TRUNCATE TABLE ONLY {}", qualified(schema, table));
                self.conversation.own("TRUNCATE", truncate.as_bytes()).await?;
            }
            None => self.conversation.own("BEGIN", b"BEGIN").await?,
        }
        let parts = match (&load.freeze, before_options(text)) {
            (Some(_), Some(start)) if binary => [start, BINARY_FREEZE],
            (None, Some(start)) if binary => [start, BINARY],
            (Some((_, end)), _) => [&text[..*end], FREEZE],
            (None, _) => [text, b""],
        };
        let form = if binary { Form::Binary } else { Form::Text };
        self.conversation.copy(statement, &parts, form).await
    }

    /// Ends the session. `failed`: the server may be in the midst of something.
    pub(super) async fn end(mut self, failed: bool) {
        if failed {
            roll_back(&mut self.conversation).await;
        } else {
            self.conversation.close().await;
        }
    }
}
