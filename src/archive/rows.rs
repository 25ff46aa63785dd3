//! One table's rows for a thread of their own, in pieces.

use bytes::Bytes;

use super::index::Rows;
use super::reader::Reader;
use super::segment::{Cutter, Members, in_members};
use super::{Format, OpenFile, Position};
use crate::{Error, Result};

/// Gives the text of a stretch of lines to `take`, with the bytes of the file it was decoded from, until that does not
/// want more. Nothing but their members is read, and of those there are never more than two in memory.
pub fn each_piece(
    file: &OpenFile,
    format: Format,
    rows: &Rows,
    mut take: impl FnMut(Bytes, u64) -> bool,
) -> Result<()> {
    let mut given = Given {
        skip: rows.skip,
        left: rows.counted.bytes,
    };
    let mut offset = rows.offset;
    if in_members(format, rows) {
        let mut cutter = Cutter::new(file, format, offset, rows.segments.clone());
        let mut decoder = Members::new(format);
        while let Some(cut) = cutter.cut()? {
            let Some(text) = decoder.decode(&cut) else { break };
            let stored = cut.stored.len() as u64;
            offset = cut.offset + stored;
            drop(cut);
            let text = given.cut(Bytes::from(text));
            if !text.is_empty() && !take(text, stored) {
                return Ok(());
            }
        }
    }
    if given.left > 0 && offset < rows.offset.saturating_add(rows.stored()) {
        let start = Position { offset, text: 0 };
        let mut reader = Reader::at(file.at(offset), format, start);
        while given.left > 0 {
            let before = reader.offset();
            let chunk = Bytes::copy_from_slice(reader.chunk()?);
            if chunk.is_empty() {
                break;
            }
            let text = given.cut(chunk);
            if !text.is_empty() && !take(text, reader.offset() - before) {
                return Ok(());
            }
        }
    }
    match given.left {
        0 => Ok(()),
        left => Err(Error::damaged(format!("{left} bytes of rows are missing"))),
    }
}

/// What of the text that is read belongs to the stretch.
struct Given {
    skip: u64,
    left: u64,
}

impl Given {
    fn cut(&mut self, mut text: Bytes) -> Bytes {
        let skip = self.skip.min(text.len() as u64);
        self.skip -= skip;
        let mut text = text.split_off(skip as usize);
        text.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= text.len() as u64;
        text
    }
}
