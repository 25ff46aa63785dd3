//! The connection that reads the script: it replays what comes before the rows, puts up the tasks, and does what comes
//! after them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::board::Number;
use super::early::{Early, early};
use super::order::{self, Name, When};
use super::worker::{Load, State, Task, Work, Worker};
use super::{Shared, wait};
use crate::archive::Index;
use crate::restore::freeze::Freezer;
use crate::restore::gate::{Gate, Passage};
use crate::restore::source::Batches;
use crate::restore::verdict::{copy_target, created_table};
use crate::script::{Piece, Statement};
use crate::{Error, Result};

/// Statements of one transaction before the rows: the lock table is small, and so is what a commit costs.
const TOGETHER: usize = 500;

/// Bytes of rows from which on a table is emptied before, so that they are frozen: that makes it new files, which costs
/// more than a vacuum of a few pages ever will.
const WORTH_FREEZING: u64 = 256 << 10;

/// Bytes of rows, as they stand in the file, up to which a B-tree is built with little memory: what is sorted at once
/// should fit a processor's cache. Of more there would be too many such parts to be merged at once.
const SORTED_IN_CACHE: u64 = 1 << 30;

/// Bytes of text, as far as which a script is read before anything is done.
const KEPT: usize = 8 << 20;

/// Whether tables that are read back are read in parts, which PostgreSQL 13 cannot.
#[derive(Clone, Copy)]
pub(super) struct Divided(pub(super) bool);

/// The connection that reads the script.
pub(super) struct Leader {
    pub(super) worker: Worker,
    pub(super) index: Arc<Index>,
    pub(super) shared: Arc<Shared>,
    pub(super) gate: Gate,
    pub(super) freezer: Freezer,
    state: State,
    /// Statements so far.
    statements: usize,
    /// COPY statements so far, which are the index's tables in its order.
    tables: usize,
    /// Rows that are put up before everything is made, in the order of the statements that they follow.
    early: VecDeque<Early>,
    /// Tables whose rows have been put up so, with their number in the index.
    begun: HashMap<Name, usize>,
    /// Statements in the transaction that is open before the first rows; `None`: there is none, each stands by itself.
    together: Option<usize>,
    /// What comes after all tasks.
    last: Vec<Statement>,
    pub(super) created: Vec<Vec<u8>>,
    /// Tables that the script has made; another one came with an extension, with all that holds for its rows.
    made: HashSet<Name>,
    /// Whether tables are read back when they can be, and how.
    pub(super) proofs: Option<Divided>,
    /// Tables whose rows have been put up, by their number in the index, which are not yet to be read back.
    loaded: Vec<(Name, usize)>,
}

impl Leader {
    pub(super) fn new(
        worker: Worker,
        index: &Arc<Index>,
        shared: &Arc<Shared>,
        gate: Gate,
        freezer: Freezer,
    ) -> Leader {
        Leader {
            worker,
            index: Arc::clone(index),
            shared: Arc::clone(shared),
            gate,
            freezer,
            state: Arc::default(),
            statements: 0,
            tables: 0,
            early: VecDeque::new(),
            begun: HashMap::new(),
            together: None,
            last: Vec::new(),
            created: Vec::new(),
            made: HashSet::new(),
            proofs: None,
            loaded: Vec::new(),
        }
    }

    pub(super) async fn all(&mut self, mut batches: Batches) -> Result<()> {
        let (first, over) = with_all_rows(&mut batches).await?;
        if self.shared.jobs > 1 {
            let statements = first.iter().filter_map(Piece::statement);
            self.early = early(statements, &self.index, self.shared.jobs - 1).into();
        }
        for piece in first {
            self.piece(piece).await?;
        }
        while !over && let Some(batch) = batches.next().await? {
            for piece in batch.pieces {
                self.piece(piece).await?;
            }
        }
        if self.tables != self.index.tables.len() {
            return Err(Error::damaged(format!(
                "the text has the rows of {} tables, but the index speaks of {}",
                self.tables,
                self.index.tables.len()
            )));
        }
        self.clear().await?;
        // Everything before is on disk when this is.
        let conversation = &mut self.worker.conversation;
        conversation.own("the end", b"RESET synchronous_commit").await?;
        conversation
            .own("the end", b"SELECT pg_catalog.txid_current()")
            .await?;
        conversation.drain().await.map(drop)
    }

    async fn piece(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Statement(statement) => {
                self.statement(statement).await?;
                self.statements += 1;
                while self
                    .early
                    .front()
                    .is_some_and(|early| early.after == self.statements)
                {
                    if let Some(early) = self.early.pop_front() {
                        self.begin_early(early).await?;
                    }
                }
                Ok(())
            }
            Piece::Meta(meta) => self.gate.meta(&meta),
            Piece::Rows(_) | Piece::EndOfRows(_) | Piece::Gap(_) => Ok(()),
        }
    }

    async fn statement(&mut self, mut statement: Statement) -> Result<()> {
        match self.gate.statement(&statement)? {
            Passage::Leave | Passage::Outside => return Ok(()),
            Passage::Copy => return self.rows(statement).await,
            Passage::Send { create } => {
                for role in create {
                    self.worker.conversation.create_role(&role).await?;
                    self.created.push(role);
                }
            }
        }
        self.freezer.note(&statement.text);
        self.made.extend(created_table(&statement.text));
        let when = order::when(&statement.text);
        if let When::Setting { key } = &when {
            // Not a share of the block it was cut from, which would be kept as well.
            let text = Bytes::copy_from_slice(&statement.text);
            self.worker.note(key, &text);
            Arc::make_mut(&mut self.state).insert(key.clone(), text);
        }
        if order::gives_default(&statement.text).is_some_and(|table| self.begun.contains_key(&table)) {
            statement.text = Bytes::copy_from_slice(&statement.text);
            self.last.push(statement);
            return Ok(());
        }
        if self.tables == 0 {
            return self.before_rows(&statement).await;
        }
        if !order::leaves_rows(&statement.text) {
            self.shared.lock().proofs.void();
        }
        match when {
            When::Setting { .. } => self.worker.conversation.statement(&statement).await,
            When::Now => {
                // A dump's large objects may take as long as its rows.
                self.open();
                self.worker.conversation.statement(&statement).await
            }
            When::Beside(build) => {
                statement.text = Bytes::copy_from_slice(&statement.text);
                let mut posted = self.shared.lock();
                let number = posted.board.build(&build);
                let sorted = build.sorts().map(|table| posted.board.weight(table));
                let task = Task {
                    statement,
                    state: Arc::clone(&self.state),
                    work: Work::Build {
                        in_cache: sorted.is_some_and(|bytes| bytes < SORTED_IN_CACHE),
                    },
                };
                self.shared.put_up(posted, number, task);
                Ok(())
            }
            When::Last => {
                statement.text = Bytes::copy_from_slice(&statement.text);
                self.last.push(statement);
                Ok(())
            }
            When::InOrder => {
                self.clear().await?;
                self.worker.conversation.statement(&statement).await?;
                // Whoever takes the next task may need it.
                self.worker.conversation.drain().await.map(drop)
            }
        }
    }

    /// A statement before the first rows.
    async fn before_rows(&mut self, statement: &Statement) -> Result<()> {
        let conversation = &mut self.worker.conversation;
        match &mut self.together {
            None => {
                conversation.own("BEGIN", b"BEGIN").await?;
                self.together = Some(1);
            }
            Some(number) if *number >= TOGETHER => {
                *number = 1;
                conversation.own("COMMIT", b"COMMIT; BEGIN").await?;
            }
            Some(number) => *number += 1,
        }
        conversation.statement(statement).await
    }

    async fn commit(&mut self) -> Result<()> {
        if self.together.take().is_some() {
            let conversation = &mut self.worker.conversation;
            conversation.own("the end of the definitions", b"COMMIT").await?;
            match conversation.drain().await? {
                "COMMIT" => {}
                tag => return Err(Error::failed(format!("the server answered COMMIT with {tag}"))),
            }
        }
        Ok(())
    }

    /// The rows of a table that has all that it needs.
    async fn begin_early(&mut self, early: Early) -> Result<()> {
        self.commit().await?;
        let (schema, table) = copy_target(&early.copy.text);
        self.begun
            .insert((schema.unwrap_or_default(), table), early.table);
        if let Some(number) = self.put_up_rows(early.copy, early.table)? {
            self.shared.lock().early.push(number);
            self.shared.tell();
        }
        Ok(())
    }

    fn is_begun(&self, table: usize) -> bool {
        self.begun.values().any(|&begun| begun == table)
    }

    /// A COPY statement in its place.
    async fn rows(&mut self, statement: Statement) -> Result<()> {
        self.commit().await?;
        self.tables += 1;
        let table = self.tables - 1;
        if !self.is_begun(table) {
            self.put_up_rows(statement, table)?;
        }
        Ok(())
    }

    /// Rows: a task, if there are any.
    fn put_up_rows(&mut self, mut statement: Statement, table: usize) -> Result<Option<Number>> {
        let Some(indexed) = self.index.tables.get(table) else {
            return Err(Error::damaged(format!(
                "line {}: the index does not speak of these rows",
                statement.line
            )));
        };
        let rows = &indexed.rows;
        if rows.counted.rows == 0 {
            return Ok(None);
        }
        statement.text = Bytes::copy_from_slice(&statement.text);
        let (schema, name) = copy_target(&statement.text);
        let target = (schema.unwrap_or_default(), name);
        let as_indexed =
            (indexed.schema.as_bytes(), indexed.name.as_bytes()) == (&target.0[..], &target.1[..]);
        let freeze = self
            .freezer
            .freezable(&statement.text, &(Some(target.0.clone()), target.1.clone()))
            .filter(|_| rows.counted.bytes >= WORTH_FREEZING)
            .map(<[u8]>::len);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let names = text(&target.0).zip(text(&target.1));
        let load = Load {
            rows: rows.clone(),
            freeze: names.zip(freeze),
            early: self.is_begun(table),
        };
        let stored = rows.stored();
        let task = Task {
            statement,
            state: Arc::clone(&self.state),
            work: Work::Rows(load),
        };
        let mut posted = self.shared.lock();
        let there = !self.made.contains(&target);
        if there {
            // Whoever made it may have given it triggers.
            posted.proofs.void();
        }
        // Rows that go through a partitioned table may come to lie in another partition than before.
        if as_indexed {
            self.loaded.push((target.clone(), table));
        }
        let number = posted.board.rows(target, stored, there);
        self.shared.put_up(posted, number, task);
        Ok(Some(number))
    }

    /// What has been put up so far is to be read back when it is there.
    fn read_back(&mut self) {
        let loaded = std::mem::take(&mut self.loaded);
        let Some(Divided(divided)) = self.proofs else {
            return;
        };
        let mut times: HashMap<_, u32> = HashMap::new();
        for table in &self.index.tables {
            *times.entry((&table.schema, &table.name)).or_default() += 1;
        }
        let mut posted = self.shared.lock();
        for (name, table) in loaded {
            let of = &self.index.tables[table];
            if of.filter.is_some() || times[&(&of.schema, &of.name)] > 1 {
                continue;
            }
            let number = posted.board.readable(&name);
            posted.proofs.add(number, table, of.rows.counted.bytes, divided);
        }
    }

    /// All tasks that are known may be begun.
    fn open(&mut self) {
        let mut posted = self.shared.lock();
        if !posted.open {
            posted.open = true;
            drop(posted);
            self.shared.tell();
        }
    }

    /// Does all tasks, with everybody else, and then what waits for them.
    async fn clear(&mut self) -> Result<()> {
        self.commit().await?;
        self.worker.conversation.drain().await?;
        self.read_back();
        self.open();
        let shared = Arc::clone(&self.shared);
        let mut changed = shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            match shared.take() {
                Some(task) => shared.work(&mut self.worker, task).await?,
                None if shared.lock().board.is_clear() => break,
                None => wait(&mut changed).await,
            }
        }
        shared.lock().open = false;
        // The tasks may have been of a time with other settings.
        self.worker.set(&self.state).await?;
        for statement in std::mem::take(&mut self.last) {
            self.worker.conversation.statement(&statement).await?;
        }
        self.worker.conversation.drain().await.map(drop)
    }
}

/// The pieces up to the first statement that follows all rows, or fewer if they have much text: they are kept until each
/// is done. And whether that is all of the script.
async fn with_all_rows(batches: &mut Batches) -> Result<(Vec<Piece>, bool)> {
    let mut pieces = Vec::new();
    let (mut bytes, mut copied) = (0, false);
    while bytes < KEPT {
        let Some(batch) = batches.next().await? else {
            return Ok((pieces, true));
        };
        let mut ended = false;
        for statement in batch.pieces.iter().filter_map(Piece::statement) {
            match statement.rows_follow {
                true => copied = true,
                false => ended |= copied,
            }
        }
        bytes += batch
            .pieces
            .iter()
            .map(|piece| piece.bytes().len())
            .sum::<usize>();
        pieces.extend(batch.pieces);
        if ended {
            break;
        }
    }
    Ok((pieces, false))
}
