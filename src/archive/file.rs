//! An archive whose end can be looked at first: the index without reading the rest, one table without the others.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::decode::Position;
use super::index::Rows;
use super::reader::Reader;
use super::{EndMarker, Format, Index};
use crate::{Error, Result};

/// Bytes read from the end of a file: more than any end marker, and more than the closing lines of plain text.
const END: u64 = 512;

/// A file that pgstow wrote, opened by its index.
#[derive(Clone)]
pub struct Archive<R> {
    input: R,
    format: Format,
    index: Index,
}

impl Archive<OpenFile> {
    /// Opens a file by its index; `None` if it has none that can be found from its end: a file of pg_dump, one
    /// recompressed by another program, a truncated one.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        Archive::from_seekable(OpenFile::open(path)?).map_err(|e| e.context(path.display()))
    }

    /// The file.
    pub fn file(&self) -> &OpenFile {
        &self.input
    }
}

/// An open file that many read, each clone at its own place. It stays the same file whatever its path comes to name, so
/// that parts of two backups are never taken for one.
#[derive(Debug, Clone)]
pub struct OpenFile {
    file: Arc<File>,
    at: u64,
}

impl OpenFile {
    /// Opens a file, which is not a pipe, at its beginning.
    pub fn open(path: &Path) -> Result<OpenFile> {
        open_file(path).map(OpenFile::from)
    }

    /// The same file at another place.
    pub(super) fn at(&self, at: u64) -> OpenFile {
        OpenFile {
            file: Arc::clone(&self.file),
            at,
        }
    }

    pub(super) fn read_exact_at(&self, out: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(out, at)
    }
}

impl From<File> for OpenFile {
    fn from(file: File) -> OpenFile {
        OpenFile {
            file: Arc::new(file),
            at: 0,
        }
    }
}

impl Read for OpenFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            // The file's own place is nobody's.
            SeekFrom::End(_) => (&*self.file).seek(to)?,
            SeekFrom::Current(by) => self
                .at
                .checked_add_signed(by)
                .ok_or(io::ErrorKind::InvalidInput)?,
        };
        Ok(self.at)
    }
}

/// Opens a file to be read.
pub fn open_file(path: &Path) -> Result<File> {
    let failed = |e| Error::io(format!("cannot open {}", path.display()), e);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Error::failed(format!(
            "{} is a directory, expected a file",
            path.display()
        )));
    }
    Ok(file)
}

impl<R: Read + Seek> Archive<R> {
    /// Opens anything that can be read at any place; `None` as for [`Archive::open`].
    pub fn from_seekable(mut input: R) -> Result<Option<Self>> {
        let mut io = |at: SeekFrom, length: u64| read_at(&mut input, at, length);
        let (_, start) = io(SeekFrom::Start(0), 4)?;
        let (end_offset, end) = io(SeekFrom::End(0), 0)?;
        debug_assert!(end.is_empty());
        let (_, end) = io(SeekFrom::Start(end_offset.saturating_sub(END)), END)?;
        let format = match start[..] {
            [0x1f, 0x8b, ..] => Format::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Format::Zstd,
            _ => Format::Plain,
        };
        let text = if format == Format::Plain {
            let Some(offset) = Index::locate(&end) else {
                return Ok(None);
            };
            if offset > end_offset {
                return Err(bad_marker(offset, end_offset));
            }
            io(SeekFrom::Start(offset), end_offset - offset)?.1
        } else {
            let Some(marker) = EndMarker::decode(format, &end) else {
                return Ok(None);
            };
            let index_end = marker.index_offset.checked_add(marker.index_length);
            if index_end != Some(end_offset - EndMarker::length(format) as u64) {
                return Err(bad_marker(marker.index_offset, end_offset));
            }
            let (_, stored) = io(SeekFrom::Start(marker.index_offset), marker.index_length)?;
            if xxh3_64(&stored) != marker.index_hash {
                return Err(Error::damaged(format!(
                    "the index member at byte {} does not have the hash that the end marker says",
                    marker.index_offset
                )));
            }
            let mut text = Vec::new();
            let mut reader = Reader::at(&stored[..], format, at_member(marker.index_offset));
            reader.read_to_end(&mut text).map_err(super::into_error)?;
            text
        };
        let text =
            String::from_utf8(text).map_err(|e| Error::damaged("the index is not UTF-8").because(e))?;
        let index = Index::parse(&text)?;
        Ok(Some(Archive { input, format, index }))
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The container.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The file and the index by themselves.
    pub fn into_parts(self) -> (R, Index) {
        (self.input, self.index)
    }

    /// Reads the lines of one table, or of the large objects, as COPY text. Nothing but their members is read.
    pub fn rows(&mut self, rows: &Rows) -> Result<RowsReader<'_, R>> {
        self.input
            .seek(SeekFrom::Start(rows.offset))
            .map_err(|e| Error::io(format!("cannot seek to byte {}", rows.offset), e))?;
        let stored = (&mut self.input).take(rows.stored());
        Ok(RowsReader {
            reader: Reader::at(stored, self.format, at_member(rows.offset)),
            skip: rows.skip,
            left: rows.counted.bytes,
        })
    }
}

/// The beginning of a member whose place in the text does not matter.
fn at_member(offset: u64) -> Position {
    Position { offset, text: 0 }
}

fn bad_marker(offset: u64, length: u64) -> Error {
    Error::damaged(format!(
        "the end of the file says that the index is at byte {offset}, which does not fit a file of {length} bytes"
    ))
}

/// Seeks, then reads up to `length` bytes; gives the position it had sought, too.
fn read_at<R: Read + Seek>(input: &mut R, at: SeekFrom, length: u64) -> Result<(u64, Vec<u8>)> {
    let failed = |e| Error::io("cannot read the file's index", e);
    let position = input.seek(at).map_err(failed)?;
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok((position, bytes))
}

/// The lines of one table, in pieces of any size.
pub struct RowsReader<'a, R> {
    reader: Reader<std::io::Take<&'a mut R>>,
    skip: u64,
    left: u64,
}

impl<R: Read> RowsReader<'_, R> {
    /// The next piece; empty at the end.
    pub fn chunk(&mut self) -> Result<&[u8]> {
        let mut range = 0..0;
        while self.left > 0 && range.is_empty() {
            let length = self.reader.chunk()?.len() as u64;
            if length == 0 {
                return Err(Error::damaged(format!(
                    "{} bytes of rows are missing before byte {}",
                    self.left,
                    self.reader.offset()
                )));
            }
            let start = self.skip.min(length);
            let end = (start + self.left).min(length);
            self.skip -= start;
            self.left -= end - start;
            range = start as usize..end as usize;
        }
        Ok(self.reader.last(range))
    }
}
