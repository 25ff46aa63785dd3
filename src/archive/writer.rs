//! Writes members in order and keeps the books that become the index.

use std::fmt::Display;
use std::io::{self, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::codec::checked_encoder;
use super::index::{Counted, Index, Rows, Table};
use super::{Compression, Digest, EndMarker, Format, Header};
use crate::{Error, Result};

/// What is said where the output takes no more bytes: a writer of its own knows no name.
const CANNOT_WRITE: &str = "cannot write";

/// The error of an output that takes no more bytes.
pub(crate) fn cannot_write(error: io::Error) -> Error {
    Error::io(CANNOT_WRITE, error)
}

/// An error of writing, told with the name of the output; any other error as it is.
pub fn name_output(error: Error, output: impl Display) -> Error {
    match error.message() == CANNOT_WRITE {
        true => error.context(output),
        false => error,
    }
}

/// One member as a worker made it: compressed, hashed, ready to be written.
#[derive(Debug, Default)]
pub struct Member {
    /// The member as it will stand in the file.
    pub bytes: Vec<u8>,
    /// Length of its text.
    pub text: u64,
    /// The stretches of its text that belong to tables, in order.
    pub spans: Vec<Span>,
    /// Digest of the lines of its text that belong to none.
    pub sql: Digest,
}

/// A stretch of a member's text that belongs to one table; empty for a table without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Whose lines they are.
    pub owner: Owner,
    /// Offset in the member's text.
    pub start: u64,
    /// The lines that end in it; all its bytes, even those of a line that began or will end in another member.
    pub digest: Digest,
}

/// Whose lines a span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The table with this number, see [`Writer::new`].
    Table(usize),
    /// The contents of large objects.
    LargeObjects,
}

/// Writes an archive. Nothing it wrote is an archive before [`Writer::finish`] has returned.
pub struct Writer<W> {
    out: W,
    compression: Compression,
    header: Header,
    tables: Vec<Table>,
    /// Whether a row of the table has been seen: only then its place is settled.
    placed: Vec<bool>,
    large_objects: Option<Rows>,
    sql: Digest,
    offset: u64,
    text: u64,
    hash: Xxh3,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The index, as it stands in the file.
    pub index: Index,
    /// Bytes written.
    pub bytes: u64,
    /// Bytes of text.
    pub text: u64,
    /// XXH3-128 of all bytes written: what reading back has to find.
    pub hash: u128,
}

impl<W: Write> Writer<W> {
    /// Begins an archive. `tables` are all tables whose rows will come, in file order; of each only names, columns and
    /// filter count.
    pub fn new(out: W, compression: Compression, header: Header, tables: Vec<Table>) -> Self {
        Writer {
            out,
            compression,
            header: Header {
                compression: compression.to_string(),
                ..header
            },
            placed: vec![false; tables.len()],
            tables,
            large_objects: None,
            sql: Digest::default(),
            offset: 0,
            text: 0,
            hash: Xxh3::new(),
        }
    }

    /// Writes the next member.
    pub fn member(&mut self, member: &Member) -> Result<()> {
        for span in &member.spans {
            self.place(span, member.bytes.len() as u64);
        }
        self.sql.merge(&member.sql);
        self.put(&member.bytes)?;
        self.text += member.text;
        Ok(())
    }

    fn place(&mut self, span: &Span, length: u64) {
        let (rows, placed) = match span.owner {
            Owner::Table(i) => (&mut self.tables[i].rows, &mut self.placed[i]),
            Owner::LargeObjects => (self.large_objects.get_or_insert_default(), &mut false),
        };
        let mut digest = rows.counted.digest().unwrap_or_default();
        let first = !*placed && digest.bytes == 0;
        if first {
            rows.text = self.text + span.start;
            (rows.offset, rows.skip) = match self.compression.format() {
                Format::Plain => (rows.text, 0),
                Format::Gzip | Format::Zstd => (self.offset, span.start),
            };
        }
        if span.digest.bytes > 0 {
            *placed = true;
            match self.compression.format() {
                Format::Plain if first => rows.segments.push(span.digest.bytes),
                Format::Plain => rows.segments[0] += span.digest.bytes,
                Format::Gzip | Format::Zstd => rows.add_segment(length),
            }
        }
        digest.merge(&span.digest);
        rows.counted = digest.into();
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(cannot_write)?;
        self.hash.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// A table's names, and its rows as far as they are written.
    pub fn table(&self, number: usize) -> &Table {
        &self.tables[number]
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.offset
    }

    /// Writes the index and the end marker, flushes, and gives the output back.
    pub fn finish(mut self) -> Result<(W, Summary)> {
        let index = Index {
            header: std::mem::take(&mut self.header),
            tables: std::mem::take(&mut self.tables),
            large_objects: self.large_objects.take(),
            sql: Counted::from(self.sql),
            text: self.text,
        };
        let text = index.render();
        let index_offset = self.offset;
        let mut encoder = checked_encoder(self.compression);
        let bytes = encoder.encode(text.as_bytes());
        self.put(bytes)?;
        self.text += text.len() as u64;
        let marker = EndMarker {
            index_offset,
            index_length: bytes.len() as u64,
            index_hash: xxh3_64(bytes),
            text: self.text,
        };
        self.put(&marker.encode(self.compression.format()))?;
        self.out.flush().map_err(cannot_write)?;
        let summary = Summary {
            index,
            bytes: self.offset,
            text: self.text,
            hash: self.hash.digest128(),
        };
        Ok((self.out, summary))
    }
}
