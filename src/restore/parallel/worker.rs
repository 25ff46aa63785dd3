//! One connection of a restore over several.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Names;
use crate::archive::{Format, OpenFile, Rows, each_piece};
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Observer};
use crate::restore::conversation::Conversation;
use crate::restore::{FREEZE, Options, roll_back, settings};
use crate::script::Statement;
use crate::sql::qualified;
use crate::{Error, Result};

/// Pieces of rows that may wait for the connection: about 1 MiB each.
const AHEAD: usize = 3;

/// What is said of everything done so far when something fails.
const DROPPED: &str = "nothing is kept of it";

/// Settings of the script by their names: the statements that set them.
pub(super) type State = Arc<BTreeMap<Vec<u8>, Bytes>>;

/// Something for any connection to do.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) statement: Statement,
    /// The settings that the script has made before it.
    pub(super) state: State,
    /// The rows, if it is a COPY.
    pub(super) rows: Option<Load>,
}

/// Rows to be loaded.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) rows: Rows,
    /// The table to be emptied before and the length of the COPY statement up to which FREEZE follows; `None`: as it is.
    pub(super) freeze: Option<(Names, usize)>,
}

/// A connection with what it has been set to.
pub(super) struct Worker {
    pub(super) conversation: Conversation,
    state: BTreeMap<Vec<u8>, Bytes>,
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
            observer: Arc::clone(observer),
        })
    }

    /// Does a task, to its end.
    pub(super) async fn run(&mut self, task: &Task, file: &OpenFile, format: Format) -> Result<()> {
        self.set(&task.state).await?;
        match &task.rows {
            Some(load) => self.load(&task.statement, load, file, format).await,
            None => self.build(&task.statement).await,
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

    /// Rows in a transaction of their own, which empties the table first: only then can they be frozen.
    async fn load(
        &mut self,
        statement: &Statement,
        load: &Load,
        file: &OpenFile,
        format: Format,
    ) -> Result<()> {
        let before = self.conversation.counts.rows;
        let text = &statement.text;
        match &load.freeze {
            Some(((schema, table), end)) => {
                let truncate = format!("BEGIN; TRUNCATE TABLE ONLY {}", qualified(schema, table));
                self.conversation.own("TRUNCATE", truncate.as_bytes()).await?;
                self.conversation
                    .copy(statement, &[&text[..*end], FREEZE])
                    .await?;
            }
            None => {
                self.conversation.own("BEGIN", b"BEGIN").await?;
                self.conversation.copy(statement, &[text]).await?;
            }
        }
        let mut pieces = read(file, format, &load.rows);
        while let Some(piece) = pieces.recv().await {
            let (text, bytes) = piece?;
            self.conversation.rows(&text).await?;
            self.observer.event(Event::Moved { rows: 0, bytes });
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
                statement.line, load.rows.counted.rows
            )));
        }
        Ok(())
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

/// Reads and decodes rows ahead of the connection.
fn read(file: &OpenFile, format: Format, rows: &Rows) -> mpsc::Receiver<Result<(Bytes, u64)>> {
    let (tell, pieces) = mpsc::channel(AHEAD);
    let (file, rows) = (file.clone(), rows.clone());
    tokio::task::spawn_blocking(move || {
        let give = |text, stored| tell.blocking_send(Ok((text, stored))).is_ok();
        if let Err(e) = each_piece(&file, format, &rows, give) {
            // Nobody listening is fine: the restore has failed on its own.
            let _ = tell.blocking_send(Err(e));
        }
    });
    pieces
}
