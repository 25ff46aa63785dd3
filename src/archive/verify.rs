//! Proves that a file is whole: every member's checksum, the end, and the index against what is really there.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::decode::Position;
use xxhash_rust::xxh3::Xxh3;

use super::digest::LineDigest;
use super::file::open_file;
use super::index::{Counted, Rows, Table};
use super::reader::{Ending, Reader};
use super::{Archive, COMPLETE, Format, Index, Summary};
use crate::event::{Event, Observer};
use crate::sql::qualified;
use crate::{Error, Result};

/// What a verified file contains.
#[derive(Debug)]
pub struct Verified {
    /// The container.
    pub format: Format,
    /// Bytes of text.
    pub text: u64,
    /// The index, every line of it proved; `None` for a file that is not ours, of which only the checksums and the
    /// last line are proved.
    pub index: Option<Index>,
}

/// Reads a whole file and proves it.
///
/// A file that pgstow wrote: each table's rows, bytes and digest, and the place where the index says they are. One that
/// was recompressed by another program: the same but for the places. Any other: the checksums of its members and the
/// line `-- PostgreSQL database dump complete`. Damage is an error of kind `Damaged` that names the place.
pub fn verify(path: &Path, observer: &dyn Observer) -> Result<Verified> {
    let file = open_file(path)?;
    verify_seekable(file, observer).map_err(|e| e.context(path.display()))
}

/// Reads a file that can be read only once: the checksums of its members, and its end.
pub fn verify_sequence(input: impl Read) -> Result<Verified> {
    let mut reader = Reader::new(input)?;
    match reader.ending()? {
        Ending::Unmarked => Err(unmarked()),
        Ending::Marked(_) | Ending::Complete => Ok(Verified {
            format: reader.format(),
            text: reader.text(),
            index: None,
        }),
    }
}

fn unmarked() -> Error {
    Error::damaged(format!(
        "the file does not end with the line {COMPLETE:?}: it is truncated or no dump"
    ))
}

/// Reads back what a [`Writer`](super::Writer) wrote and holds it against what it says it wrote, byte for byte.
pub fn read_back(path: &Path, written: &Summary) -> Result<()> {
    let mut file = open_file(path)?;
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        let n = file
            .read(&mut buffer)
            .map_err(|e| Error::io(format!("cannot read back {}", path.display()), e))?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        length += n as u64;
    }
    if (length, hash.digest128()) == (written.bytes, written.hash) {
        return Ok(());
    }
    Err(Error::damaged(format!(
        "what was read back from {} is not what was written: {length} bytes, expected {}",
        path.display(),
        written.bytes
    ))
    .hint("The disk or its file system is not to be trusted."))
}

/// [`verify`] for anything that can be read at any place.
pub fn verify_seekable<R: Read + Seek>(mut input: R, observer: &dyn Observer) -> Result<Verified> {
    let length = input
        .seek(SeekFrom::End(0))
        .map_err(|e| Error::io("cannot seek", e))?;
    let rewind = |input: &mut R| {
        let rewound = input.seek(SeekFrom::Start(0));
        rewound.map(drop).map_err(|e| Error::io("cannot seek", e))
    };
    rewind(&mut input)?;
    let marked = Archive::from_seekable(&mut input)?.map(|archive| archive.index().clone());
    rewind(&mut input)?;
    observer.event(Event::Total {
        tables: marked.as_ref().map_or(0, |index| index.tables.len() as u64),
        bytes: length,
    });
    if let Some(index) = marked {
        let (format, text) = check(&mut input, &index, true, observer)?;
        return Ok(Verified {
            format,
            text,
            index: Some(index),
        });
    }
    let mut reader = Reader::new(&mut input)?;
    let ending = reader.ending()?;
    let (format, text, located) = (reader.format(), reader.text(), Index::locate(reader.tail()));
    if ending == Ending::Unmarked {
        return Err(unmarked());
    }
    let Some(offset) = located else {
        if Index::is_near(reader.tail()) {
            return Err(Error::damaged(
                "the text does not end with the index: something follows it",
            ));
        }
        return Ok(Verified {
            format,
            text,
            index: None,
        });
    };
    rewind(&mut input)?;
    let index = Index::parse(&text_from(&mut input, offset)?)?;
    rewind(&mut input)?;
    check(&mut input, &index, false, observer)?;
    Ok(Verified {
        format,
        text,
        index: Some(index),
    })
}

/// The text from an offset on.
fn text_from(input: impl Read, offset: u64) -> Result<String> {
    let mut reader = Reader::new(input)?;
    let mut text = Vec::new();
    loop {
        let before = reader.text();
        let chunk = reader.chunk()?;
        if chunk.is_empty() {
            break;
        }
        let skip = offset.saturating_sub(before).min(chunk.len() as u64);
        text.extend_from_slice(&chunk[skip as usize..]);
    }
    String::from_utf8(text).map_err(|e| Error::damaged("the index is not UTF-8").because(e))
}

/// Reads the whole text and compares it with the index, and the members' places if `places`.
fn check(input: impl Read, index: &Index, places: bool, observer: &dyn Observer) -> Result<(Format, u64)> {
    let mut reader = Reader::new(input)?;
    let mut sections = Sections::new(index);
    let mut members = Members::new(index, places && reader.format() != Format::Plain);
    let mut offset = 0;
    loop {
        let before = reader.text();
        let chunk = reader.chunk()?;
        if chunk.is_empty() {
            break;
        }
        sections.update(before, chunk, observer)?;
        members.reached(reader.member())?;
        observer.event(Event::Moved {
            rows: 0,
            bytes: reader.offset() - offset,
        });
        offset = reader.offset();
    }
    if reader.ending()? == Ending::Unmarked {
        return Err(Error::damaged("the last line is missing: the file is truncated"));
    }
    sections.finish(reader.text())?;
    members.finish()?;
    Ok((reader.format(), reader.text()))
}

/// The stretches of text that the index speaks of, in order, and what lies between them.
struct Sections<'a> {
    index: &'a Index,
    stretches: Vec<Stretch<'a>>,
    /// Number of stretches that are complete.
    done: usize,
    rows: LineDigest,
    between: LineDigest,
}

struct Stretch<'a> {
    rows: &'a Rows,
    /// `None` for large objects.
    table: Option<&'a Table>,
}

impl Stretch<'_> {
    fn name(&self) -> String {
        match self.table {
            Some(table) => format!("table {}", qualified(&table.schema, &table.name)),
            None => "large objects".to_string(),
        }
    }
}

impl<'a> Sections<'a> {
    fn new(index: &'a Index) -> Self {
        let tables = index.tables.iter().map(|table| Stretch {
            rows: &table.rows,
            table: Some(table),
        });
        let large_objects = index
            .large_objects
            .iter()
            .map(|rows| Stretch { rows, table: None });
        let mut stretches: Vec<_> = tables.chain(large_objects).collect();
        // An empty stretch may stand where the next one begins.
        stretches.sort_by_key(|s| (s.rows.text, s.rows.counted.bytes));
        Sections {
            index,
            stretches,
            done: 0,
            rows: LineDigest::default(),
            between: LineDigest::default(),
        }
    }

    /// Takes the piece of text that begins at `at`.
    fn update(&mut self, mut at: u64, mut piece: &[u8], observer: &dyn Observer) -> Result<()> {
        while !piece.is_empty() && at < self.index.text {
            let (inside, until) = match self.stretches.get(self.done) {
                Some(next) if at < next.rows.text => (false, next.rows.text),
                Some(next) => (true, next.rows.text.saturating_add(next.rows.counted.bytes)),
                None => (false, self.index.text),
            };
            let n = piece
                .len()
                .min(until.saturating_sub(at).try_into().unwrap_or(usize::MAX));
            let (now, later) = piece.split_at(n);
            if inside {
                self.rows.update(now);
            } else {
                self.between.update(now);
            }
            at += n as u64;
            piece = later;
            if inside && at >= until {
                self.close(observer)?;
            }
        }
        Ok(())
    }

    /// Compares a complete stretch with what the index says of it.
    fn close(&mut self, observer: &dyn Observer) -> Result<()> {
        let stretch = &self.stretches[self.done];
        let rows = std::mem::take(&mut self.rows);
        compare(&stretch.name(), &rows, &stretch.rows.counted)?;
        if let Some(table) = stretch.table {
            observer.event(Event::Table {
                schema: table.schema.clone(),
                name: table.name.clone(),
                rows: stretch.rows.counted.rows,
                bytes: stretch.rows.counted.bytes,
            });
        }
        self.done += 1;
        Ok(())
    }

    fn finish(self, text: u64) -> Result<()> {
        if let Some(missing) = self.stretches.get(self.done) {
            return Err(Error::damaged(format!(
                "the text ends at byte {text} before {} is complete",
                missing.name()
            )));
        }
        compare("the SQL text around the rows", &self.between, &self.index.sql)
    }
}

fn compare(what: &str, found: &LineDigest, expected: &Counted) -> Result<()> {
    let (found, rest) = found.finish();
    if rest > 0 || expected.digest() != Some(found) {
        return Err(Error::damaged(format!(
            "{what} has {} lines of {} bytes with digest {}, but the index says {} lines of {} bytes with digest {}",
            found.rows,
            found.bytes + rest,
            found.hex(),
            expected.rows,
            expected.bytes,
            expected.digest
        )));
    }
    Ok(())
}

/// The places in the file at which the index says that a member begins.
struct Members {
    /// Offset in the file, and in the text where the index tells it, too.
    expected: std::iter::Peekable<std::vec::IntoIter<(u64, Option<u64>)>>,
    seen: Option<u64>,
}

impl Members {
    fn new(index: &Index, wanted: bool) -> Self {
        let mut expected = Vec::new();
        let all = index.tables.iter().map(|t| &t.rows).chain(&index.large_objects);
        for rows in all.filter(|_| wanted) {
            expected.push((rows.offset, rows.text.checked_sub(rows.skip)));
            let mut offset = rows.offset;
            for length in rows.segments.iter().take(rows.segments.len().saturating_sub(1)) {
                offset = offset.saturating_add(*length);
                expected.push((offset, None));
            }
        }
        expected.sort_unstable();
        Members {
            expected: expected.into_iter().peekable(),
            seen: None,
        }
    }

    fn reached(&mut self, member: Position) -> Result<()> {
        if self.seen == Some(member.offset) {
            return Ok(());
        }
        self.seen = Some(member.offset);
        while let Some((offset, text)) = self.expected.next_if(|(offset, _)| *offset <= member.offset) {
            if offset < member.offset || text.is_some_and(|text| text != member.text) {
                return Err(Error::damaged(format!(
                    "the index speaks of a member at byte {offset} of the file, but one begins at byte {} with byte {} \
                     of the text",
                    member.offset, member.text
                )));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        match self.expected.next() {
            None => Ok(()),
            Some((offset, _)) => Err(Error::damaged(format!(
                "the index speaks of a member at byte {offset} of the file, where none begins"
            ))),
        }
    }
}
