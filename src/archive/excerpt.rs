//! The text of an archive from its beginning, without the rows that nobody wants: their members are not read.
//!
//! What is left out is known by the index: the rows begin at a byte of the text that it tells; they end in the last of
//! their segments, at the line `\.`, which no row can be. So the text that is given has everything but the rows: their
//! COPY statement is followed at once by the `\.`.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;

use super::ahead::{Ahead, Next};
use super::decode::Position;
use super::index::Rows;
use super::reader::Reader;
use super::segment::in_members;
use super::{Archive, Ending, Format, Index, OpenFile};
use crate::{Error, Result};

/// The next part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Statements and comments.
    Sql(Bytes),
    /// Rows of the table with this number in the index. Parts end anywhere.
    Rows {
        /// The table's number in [`Index::tables`].
        table: usize,
        /// The text.
        text: Bytes,
    },
    /// The rows of a table end here, or the contents of large objects that were left out: so many lines of the file in
    /// all, given or not.
    Lines(u64),
}

/// Which parts of the text are given besides the statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// For each table of the index, whether its rows are.
    pub tables: Vec<bool>,
    /// Whether the contents of large objects are.
    pub large_objects: bool,
}

impl Wanted {
    /// The whole text.
    pub fn all(index: &Index) -> Wanted {
        Wanted {
            tables: vec![true; index.tables.len()],
            large_objects: true,
        }
    }

    /// The text without any rows.
    pub fn no_rows(index: &Index) -> Wanted {
        Wanted {
            tables: vec![false; index.tables.len()],
            large_objects: true,
        }
    }
}

impl Index {
    /// Bytes that are read of a file of this length for what is wanted, about.
    pub fn bytes_for(&self, wanted: &Wanted, length: u64) -> u64 {
        let tables = self.tables.iter().zip(&wanted.tables);
        let tables = tables
            .filter(|(_, wanted)| !**wanted)
            .map(|(table, _)| &table.rows);
        let large_objects = self.large_objects.iter().filter(|_| !wanted.large_objects);
        let skipped: u64 = tables
            .chain(large_objects)
            .map(|rows| rows.stored() - rows.segments.last().unwrap_or(&0))
            .sum();
        length.saturating_sub(skipped)
    }
}

/// A stretch of the text that the index speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Table(usize),
    LargeObjects,
}

/// What the next bytes of the text are.
enum State {
    /// Statements, up to the next stretch.
    Sql,
    /// The rows of the stretch in hand; so many bytes of it are still to come.
    Rows { left: u64, wanted: bool },
    /// Rows of the stretch in hand that threads decode; so many bytes are still to come.
    Ahead { ahead: Ahead, left: u64 },
    /// The end of the stretch in hand, to be found in what is read.
    Ending { seen: Vec<u8> },
    /// The end of the text.
    Over,
}

/// Reads an archive's text in parts.
pub struct Excerpt {
    file: OpenFile,
    format: Format,
    index: Arc<Index>,
    wanted: Wanted,
    jobs: usize,
    reader: Reader<OpenFile>,
    /// Stretches with rows that are still to come, the next one last.
    stretches: Vec<Owner>,
    state: State,
    /// Text that has been read but not given.
    pending: Bytes,
    /// Offset in the text of `pending`.
    at: u64,
    /// Bytes of the file that were read before the reader's current place.
    read: u64,
    /// Where in the file the reader began.
    from: u64,
}

/// The beginning of each line that writes a large object's contents.
const LARGE_OBJECT: &[u8] = b"SELECT pg_catalog.lo_put(";

impl Excerpt {
    /// Begins to read. `jobs` threads decode the rows of large tables.
    pub fn new(archive: Archive<OpenFile>, wanted: Wanted, jobs: usize) -> Excerpt {
        let format = archive.format();
        let (file, index) = archive.into_parts();
        let tables = index.tables.iter().enumerate();
        let mut stretches: Vec<Owner> = tables
            .filter(|(_, table)| table.rows.counted.bytes > 0)
            .map(|(number, _)| Owner::Table(number))
            .collect();
        if index
            .large_objects
            .as_ref()
            .is_some_and(|rows| rows.counted.bytes > 0)
        {
            stretches.push(Owner::LargeObjects);
        }
        let mut excerpt = Excerpt {
            reader: Reader::at(file.at(0), format, Position::default()),
            file,
            format,
            index: Arc::new(index),
            wanted,
            jobs: jobs.max(1),
            stretches: Vec::new(),
            state: State::Sql,
            pending: Bytes::new(),
            at: 0,
            read: 0,
            from: 0,
        };
        stretches.sort_by_key(|&owner| std::cmp::Reverse(excerpt.rows(owner).text));
        excerpt.stretches = stretches;
        excerpt
    }

    /// The index.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The file.
    pub fn file(&self) -> &OpenFile {
        &self.file
    }

    /// Bytes of the file that have been read so far.
    pub fn read(&self) -> u64 {
        self.read + self.reader.offset() - self.from
    }

    fn rows(&self, owner: Owner) -> &Rows {
        match owner {
            Owner::Table(number) => &self.index.tables[number].rows,
            Owner::LargeObjects => self.index.large_objects.as_ref().expect("it was there"),
        }
    }

    fn wants(&self, owner: Owner) -> bool {
        match owner {
            Owner::Table(number) => self.wanted.tables[number],
            Owner::LargeObjects => self.wanted.large_objects,
        }
    }

    /// The next part; `None` at the end, which is proved to be the file's.
    pub fn part(&mut self) -> Result<Option<Part>> {
        loop {
            let part = match &mut self.state {
                State::Over => return Ok(None),
                State::Sql => self.sql()?,
                State::Rows { .. } => self.rows_in_hand()?,
                State::Ahead { .. } => self.rows_ahead()?,
                State::Ending { .. } => self.look_for_the_end()?,
            };
            if part.is_some() {
                return Ok(part);
            }
        }
    }

    /// Reads a chunk if there is none. False at the end of the text.
    fn fill(&mut self) -> Result<bool> {
        if self.pending.is_empty() {
            self.pending = Bytes::copy_from_slice(self.reader.chunk()?);
        }
        Ok(!self.pending.is_empty())
    }

    fn take(&mut self, length: u64) -> Bytes {
        let length = length.min(self.pending.len() as u64);
        self.at += length;
        self.pending.split_to(length as usize)
    }

    fn sql(&mut self) -> Result<Option<Part>> {
        let next = self.stretches.last().map(|&owner| self.rows(owner).text);
        if let Some(start) = next
            && start <= self.at
        {
            return self.enter().map(|()| None);
        }
        if !self.fill()? {
            // An end marker that does not fit what was read is an error; so is none.
            if next.is_some() || self.reader.ending()? == Ending::Unmarked {
                return Err(Error::damaged(
                    "the file ends before everything that its index speaks of",
                ));
            }
            self.state = State::Over;
            return Ok(None);
        }
        let length = next.map_or(u64::MAX, |start| start - self.at);
        Ok(Some(Part::Sql(self.take(length))))
    }

    /// The next stretch begins here.
    fn enter(&mut self) -> Result<()> {
        let owner = *self.stretches.last().expect("there is a next stretch");
        let wanted = self.wants(owner);
        let rows = self.rows(owner);
        if rows.text != self.at {
            return Err(Error::damaged(format!(
                "the index speaks of rows at byte {} of the text, which is in the middle of others",
                rows.text
            )));
        }
        let (bytes, several) = (rows.counted.bytes, rows.segments.len() > 1);
        let last = rows.offset + rows.stored() - rows.segments.last().unwrap_or(&0);
        let end = rows.text + bytes;
        let ahead = (wanted && rows.segments.len() > 2 && in_members(self.format, rows))
            .then(|| Ahead::new(&self.file, self.format, rows, self.jobs));
        self.state = match (owner, ahead) {
            (Owner::LargeObjects, _) if wanted => {
                // Statements like any other.
                self.stretches.pop();
                State::Sql
            }
            (_, Some(ahead)) => {
                // What has been read of the first segment is decoded once more.
                self.pending = Bytes::new();
                State::Ahead { ahead, left: bytes }
            }
            _ if !wanted && self.format == Format::Plain => {
                self.jump(Position {
                    offset: end,
                    text: end,
                });
                self.at = end;
                State::Rows { left: 0, wanted }
            }
            _ if !wanted && several => {
                self.jump(Position {
                    offset: last,
                    text: 0,
                });
                State::Ending { seen: Vec::new() }
            }
            _ => State::Rows { left: bytes, wanted },
        };
        Ok(())
    }

    /// Goes on reading at another member.
    fn jump(&mut self, to: Position) {
        self.read = self.read();
        self.from = to.offset;
        self.reader = Reader::at(self.file.at(to.offset), self.format, to);
        self.pending = Bytes::new();
    }

    fn rows_in_hand(&mut self) -> Result<Option<Part>> {
        let State::Rows { left, wanted } = self.state else {
            return Ok(None);
        };
        if left == 0 {
            return Ok(Some(self.leave()));
        }
        if !self.fill()? {
            return Err(self.cut_short());
        }
        let text = self.take(left);
        self.state = State::Rows {
            left: left - text.len() as u64,
            wanted,
        };
        Ok(match self.stretches.last() {
            Some(&Owner::Table(table)) if wanted => Some(Part::Rows { table, text }),
            _ => None,
        })
    }

    fn rows_ahead(&mut self) -> Result<Option<Part>> {
        let Some(&Owner::Table(table)) = self.stretches.last() else {
            return Ok(None);
        };
        let State::Ahead { ahead, left } = &mut self.state else {
            return Ok(None);
        };
        let (piece, stored) = match ahead.next()? {
            Next::Text(text, stored) => (text, stored),
            Next::ReadOn(position) => {
                let left = *left;
                self.state = State::Rows { left, wanted: true };
                return self.read_on(position).map(|()| None);
            }
        };
        let mut text = Bytes::from(piece);
        text.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= text.len() as u64;
        self.at += text.len() as u64;
        self.read += stored;
        Ok(Some(Part::Rows { table, text }))
    }

    /// Goes on reading at a member that begins at or before the place where we are in the text.
    fn read_on(&mut self, member: Position) -> Result<()> {
        let here = std::mem::replace(&mut self.at, member.text);
        self.jump(member);
        while self.at < here {
            if !self.fill()? {
                return Err(self.cut_short());
            }
            self.take(here - self.at);
        }
        Ok(())
    }

    /// Reads on in the last segment of a stretch that was skipped, up to where its lines end.
    fn look_for_the_end(&mut self) -> Result<Option<Part>> {
        if !self.fill()? {
            return Err(self.cut_short());
        }
        let owner = *self.stretches.last().expect("one is in hand");
        let State::Ending { seen } = &mut self.state else {
            return Ok(None);
        };
        seen.extend_from_slice(&self.pending);
        self.pending = Bytes::new();
        let end = match owner {
            Owner::Table(_) => memmem::find(seen, b"\n\\.\n").map(|at| at + 1),
            Owner::LargeObjects => end_of_large_objects(seen),
        };
        let Some(end) = end else {
            if matches!(owner, Owner::Table(_)) {
                let surplus = seen.len().saturating_sub(3);
                seen.drain(..surplus);
            }
            return Ok(None);
        };
        let rest = Bytes::copy_from_slice(&seen[end..]);
        let rows = self.rows(owner);
        self.at = rows.text + rows.counted.bytes;
        // Where the reader is in the text is known again, so that the end of the file can be proved.
        self.reader.set_text(self.at + rest.len() as u64);
        self.pending = rest;
        Ok(Some(self.leave()))
    }

    fn leave(&mut self) -> Part {
        let owner = self.stretches.pop().expect("one is in hand");
        self.state = State::Sql;
        Part::Lines(self.rows(owner).counted.rows)
    }

    fn cut_short(&self) -> Error {
        Error::damaged("the file ends before the rows do that its index speaks of")
    }
}

/// Where the first line begins that writes no large object; `None` as long as there may be more of them.
fn end_of_large_objects(text: &mut Vec<u8>) -> Option<usize> {
    let mut start = 0;
    loop {
        let line = &text[start..];
        let known = line.len().min(LARGE_OBJECT.len());
        if line[..known] != LARGE_OBJECT[..known] {
            return Some(start);
        }
        match memchr::memchr(b'\n', line) {
            Some(end) => start += end + 1,
            None => {
                text.drain(..start);
                return None;
            }
        }
    }
}
