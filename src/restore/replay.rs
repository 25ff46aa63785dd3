//! One connection that replays a script, in one transaction; or, where the script makes databases and goes on in them
//! and that is wanted, in one transaction for each.

use std::sync::Arc;

use bytes::Bytes;

use super::conversation::{Conversation, Form, LOOK_IT_UP};
use super::counts::Counts;
use super::failure::abbreviate;
use super::freeze::Freezer;
use super::gate::{Gate, Passage};
use super::owner::Heading;
use super::select::Fate;
use super::source::{Batch, Batches};
use super::subject::is_data;
use super::verdict::{copy_target, made};
use super::{FREEZE, Options, ROLLBACK_LIMIT, database, preflight, roll_back, settings};
use crate::connect::{Session, Settings, connect};
use crate::error::Kind;
use crate::event::{Event, Observer};
use crate::script::{Command, Meta, Piece, Statement};
use crate::sql::literal;
use crate::{Error, Result};

/// What becomes of a failed restore in one transaction.
const ROLLED_BACK: &str = "everything was rolled back";
/// ... and of one in several databases.
const ROLLED_BACK_HERE: &str =
    "what it did in this database was rolled back, and tablespaces and databases that it made are dropped";

/// A statement that has taken effect when it is answered, whatever comes after it, a signal, say.
enum Lasting {
    /// The COMMIT that ends the restore.
    Commit,
    /// One that no transaction may have around it.
    Outside(Bytes),
}

/// A restore under way.
pub(super) struct Replay {
    conversation: Conversation,
    /// What each transaction begins with.
    opening: String,
    freezer: Freezer,
    observer: Arc<dyn Observer>,
    gate: Gate,
    options: Options,
    settings: Settings,
    /// What was done in databases that the script has left.
    earlier: Counts,
    /// Databases that the script has made.
    made: Vec<String>,
    /// Tablespaces that it has made.
    made_tablespaces: Vec<String>,
    /// What is under way that nothing undoes.
    lasting: Option<Lasting>,
    /// Whose rows come next.
    heading: Heading,
    /// The rows that pass belong to a COPY that is not replayed.
    skipping: bool,
    /// Something of what was chosen by name has come.
    found: bool,
    /// Bytes of the file replayed so far.
    offset: u64,
}

impl Replay {
    pub(super) async fn begin(
        session: Session,
        options: &Options,
        observer: &Arc<dyn Observer>,
    ) -> Result<Replay> {
        let settings_ = session.settings().clone();
        let opening = format!("BEGIN; {}", settings(&session, options, true).await?);
        let roles = preflight::roles(&session).await?;
        let gate = Gate::new(session.version, roles, options, observer);
        let wire = session.into_wire().await?;
        let outcome = match options.create {
            true => ROLLED_BACK_HERE,
            false => ROLLED_BACK,
        };
        Ok(Replay {
            conversation: Conversation::new(wire, Arc::clone(observer), outcome),
            opening,
            freezer: if options.freeze {
                Freezer::default()
            } else {
                Freezer::off()
            },
            observer: Arc::clone(observer),
            gate,
            options: options.clone(),
            settings: settings_,
            earlier: Counts::default(),
            made: Vec::new(),
            made_tablespaces: Vec::new(),
            lasting: None,
            heading: Heading::default(),
            skipping: false,
            found: false,
            offset: 0,
        })
    }

    pub(super) async fn all(&mut self, batches: &mut Batches) -> Result<()> {
        self.open().await?;
        while let Some(batch) = self.next(batches).await? {
            for piece in &batch.pieces {
                self.piece(piece).await?;
            }
            self.conversation.flush().await?;
            let bytes = batch.offset - self.offset;
            self.offset = batch.offset;
            self.observer.event(Event::Moved { rows: 0, bytes });
        }
        if self.options.choice.is_blind() && !self.found {
            return Err(Error::usage("the script has no rows of a table that matches"));
        }
        self.conversation.drain().await?;
        self.lasting = Some(Lasting::Commit);
        self.commit().await
    }

    /// Ends the session, and what `all` came to.
    pub(super) async fn end(mut self, result: Result<()>) -> Result<Counts> {
        let closed = match &result {
            Ok(()) => tokio::time::timeout(ROLLBACK_LIMIT, self.conversation.close())
                .await
                .is_ok(),
            Err(_) => roll_back(&mut self.conversation).await,
        };
        if !closed && result.is_err() {
            self.observer
                .event(Event::Warning("the server is still rolling back".into()));
        }
        let result = match result {
            Err(e) => self.settled(e),
            done => done,
        };
        if result.is_err() {
            for dbname in &self.made {
                if let Err(left) = database::drop_from_outside(&self.settings, dbname).await {
                    self.observer.event(Event::Warning(left.to_string()));
                }
            }
            let tablespaces = &self.made_tablespaces;
            if let Err(left) = database::drop_tablespaces(&self.settings, tablespaces).await {
                self.observer.event(Event::Warning(left.to_string()));
            }
        }
        result?;
        let mut counts = self.conversation.counts;
        counts.add(&self.earlier);
        Ok(counts)
    }

    /// What an error comes to once the server has had the last word on what was under way.
    fn settled(&mut self, error: Error) -> Result<()> {
        match (self.lasting.take(), self.conversation.last_words()) {
            // The signal came too late.
            (Some(Lasting::Commit), Some("COMMIT")) => return Ok(()),
            (Some(Lasting::Commit), None) if error.kind() == Kind::Interrupted => {
                return Err(error.context("during COMMIT").hint(LOOK_IT_UP));
            }
            (Some(Lasting::Outside(text)), Some(tag)) if !tag.is_empty() => self.note_made(&text),
            (Some(Lasting::Outside(text)), None) => self.observer.event(Event::Warning(format!(
                "the server has not said whether it did this: {}",
                abbreviate(&text)
            ))),
            _ => {}
        }
        Err(error)
    }

    async fn open(&mut self) -> Result<()> {
        self.conversation.begin(self.opening.as_bytes()).await
    }

    async fn commit(&mut self) -> Result<()> {
        self.conversation.drain().await?;
        self.conversation.own("COMMIT", b"COMMIT").await?;
        match self.conversation.drain().await? {
            "COMMIT" => Ok(()),
            tag => Err(Error::failed(format!(
                "the server answered COMMIT with {tag}, everything was rolled back"
            ))),
        }
    }

    /// The next batch; an error of the server comes through while the input is slow.
    async fn next(&mut self, batches: &mut Batches) -> Result<Option<Batch>> {
        loop {
            tokio::select! {
                biased;
                batch = batches.next() => return batch,
                reply = self.conversation.reply() => reply?,
            }
        }
    }

    async fn piece(&mut self, piece: &Piece) -> Result<()> {
        match piece {
            Piece::Gap(text) => {
                self.heading.gap(text);
                Ok(())
            }
            Piece::Statement(statement) => {
                match self.options.choice.fate(statement, self.heading.owner())? {
                    Fate::Leave => {
                        self.skipping = statement.rows_follow;
                        Ok(())
                    }
                    Fate::Send => self.statement(statement).await,
                    Fate::Instead(text) => {
                        let instead = Statement {
                            text,
                            ..statement.clone()
                        };
                        self.statement(&instead).await
                    }
                }
            }
            Piece::Rows(_) if self.skipping => Ok(()),
            Piece::EndOfRows(_) if self.skipping => {
                self.skipping = false;
                Ok(())
            }
            Piece::Rows(rows) => self.conversation.rows(rows, rows.len() as u64).await,
            Piece::EndOfRows(_) => self.conversation.end_of_rows().await,
            Piece::Meta(meta) => self.meta(meta).await,
        }
    }

    /// Goes on in another database, if that is wanted.
    async fn meta(&mut self, meta: &Meta) -> Result<()> {
        self.gate.meta(meta)?;
        if let Command::Encoding(name) = &meta.command {
            let text = format!("SET client_encoding = {}", literal(name));
            return self.conversation.own("\\encoding", text.as_bytes()).await;
        }
        let Command::Connect { dbname } = &meta.command else {
            return Ok(());
        };
        let Some(dbname) = dbname else {
            return Err(Error::failed(format!(
                "line {}: the script makes another connection without a database's name",
                meta.line
            )));
        };
        self.commit().await?;
        self.conversation.close().await;
        let session = connect(&self.settings.with_dbname(dbname))
            .await
            .map_err(|e| e.context(format!("line {}", meta.line)))?;
        let next = Replay::begin(session, &self.options, &self.observer).await?;
        let before = std::mem::replace(self, next);
        self.made = before.made;
        self.made_tablespaces = before.made_tablespaces;
        self.offset = before.offset;
        self.earlier = before.earlier;
        self.earlier.add(&before.conversation.counts);
        self.open().await
    }

    async fn statement(&mut self, statement: &Statement) -> Result<()> {
        self.found |= self.options.choice.is_blind() && is_data(&statement.text);
        match self.gate.statement(statement)? {
            Passage::Leave => Ok(()),
            Passage::Copy => self.copy(statement).await,
            Passage::Outside => self.outside(statement).await,
            Passage::Send { create } => {
                for role in &create {
                    self.conversation.create_role(role).await?;
                }
                self.freezer.note(&statement.text);
                self.conversation.statement(statement).await
            }
        }
    }

    /// A statement that no transaction may have around it.
    async fn outside(&mut self, statement: &Statement) -> Result<()> {
        self.commit().await?;
        self.lasting = Some(Lasting::Outside(statement.text.clone()));
        self.conversation.statement(statement).await?;
        self.conversation.drain().await?;
        self.lasting = None;
        self.note_made(&statement.text);
        self.open().await
    }

    fn note_made(&mut self, text: &[u8]) {
        self.made.extend(made(text, "database"));
        self.made_tablespaces.extend(made(text, "tablespace"));
    }

    async fn copy(&mut self, statement: &Statement) -> Result<()> {
        let text = &statement.text;
        let parts: [&[u8]; 2] = match self.freezer.freezable(text, &copy_target(text)) {
            Some(start) => [start, FREEZE],
            None => [text, b""],
        };
        self.conversation.copy(statement, &parts, Form::Text).await
    }
}
