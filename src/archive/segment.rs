//! The members of a table's segments: cut from the file one by one, and each decoded as a whole, twice as fast as in a
//! stream and in any thread.
//!
//! Whoever reads rows this way needs room for a few members, however large a segment is: a huge table has few segments of
//! many members, so that the index stays small. What cannot be cut or decoded so - a member that is larger than any of
//! ours, a cut that was none, damage - is left to the stream's decoder, which needs no cuts, and says what is wrong.

use libdeflater::Decompressor;
use zstd::zstd_safe;

use super::index::Rows;
use super::reader::Reader;
use super::{Format, OpenFile, Position};
use crate::{Error, Result};

/// A member with more bytes in the file, or of text, is not decoded as a whole: memory has bounds. Those of pgstow have
/// at most half of it.
const LARGEST: usize = 8 << 20;

/// Bytes read at once.
const READ: usize = 512 << 10;

/// What every gzip member of a table's rows begins with: no flags, no time. A cut is made before these bytes; within
/// compressed data they occur once in 2^64 bytes by chance.
const GZIP_HEAD: [u8; 8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];

/// Whether these rows lie in members that can be cut and decoded as a whole.
pub(super) fn in_members(format: Format, rows: &Rows) -> bool {
    format != Format::Plain && rows.counted.bytes > 0
}

/// A member, or what seems to be one.
pub(super) struct Cut {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Its bytes in the file.
    pub(super) stored: Vec<u8>,
}

/// Cuts the members of segments that follow each other.
pub(super) struct Cutter {
    file: OpenFile,
    format: Format,
    /// Lengths of the segments to come: at the end of each a member ends for sure.
    segments: std::vec::IntoIter<u64>,
    /// Bytes of the segment in hand that have not been read.
    unread: u64,
    /// What has been read but not cut.
    ahead: Vec<u8>,
    /// Offset in the file of `ahead`.
    at: u64,
}

impl Cutter {
    /// `segments` are the lengths of what is to be cut, from `offset` on.
    pub(super) fn new(file: &OpenFile, format: Format, offset: u64, segments: Vec<u64>) -> Cutter {
        Cutter {
            file: file.clone(),
            format,
            segments: segments.into_iter(),
            unread: 0,
            ahead: Vec::new(),
            at: offset,
        }
    }

    /// Where the next member begins; after the last one, where the last segment ends.
    pub(super) fn offset(&self) -> u64 {
        self.at
    }

    /// The next member. `None` after the last one, and where none can be cut: whoever wants what follows must read on
    /// from [`Cutter::offset`] in sequence.
    pub(super) fn cut(&mut self) -> Result<Option<Cut>> {
        if self.ahead.is_empty() && self.unread == 0 {
            match self.segments.next() {
                Some(length) => self.unread = length,
                None => return Ok(None),
            }
        }
        let mut searched = 0;
        let length = loop {
            if let Some(length) = self.end_of_member(searched) {
                break length;
            }
            if self.unread == 0 {
                break self.ahead.len();
            }
            if self.ahead.len() > LARGEST {
                return Ok(None);
            }
            searched = self.ahead.len();
            self.read()?;
        };
        let rest = self.ahead.split_off(length);
        let stored = std::mem::replace(&mut self.ahead, rest);
        let offset = self.at;
        self.at += stored.len() as u64;
        Ok(Some(Cut { offset, stored }))
    }

    /// Where the first member ends in what has been read, if it does: not in the first `searched` bytes of it.
    fn end_of_member(&self, searched: usize) -> Option<usize> {
        match self.format {
            Format::Plain => None,
            Format::Gzip => {
                let from = searched.saturating_sub(GZIP_HEAD.len()).max(1);
                let found = memchr::memmem::find(self.ahead.get(from..)?, &GZIP_HEAD)?;
                Some(from + found)
            }
            Format::Zstd => zstd_safe::find_frame_compressed_size(&self.ahead).ok(),
        }
    }

    fn read(&mut self) -> Result<()> {
        let start = self.ahead.len();
        let more = self.unread.min(READ as u64) as usize;
        let offset = self.at + start as u64;
        self.ahead.resize(start + more, 0);
        self.file
            .read_exact_at(&mut self.ahead[start..], offset)
            .map_err(|e| Error::damaged(format!("{more} bytes at byte {offset} cannot be read: {e}")))?;
        self.unread -= more as u64;
        Ok(())
    }
}

/// Decodes members. One for each thread.
pub(super) struct Members {
    format: Format,
    inflate: Decompressor,
    zstd: zstd::bulk::Decompressor<'static>,
}

impl Members {
    pub(super) fn new(format: Format) -> Self {
        Members {
            format,
            inflate: Decompressor::new(),
            zstd: zstd::bulk::Decompressor::new().expect("zstd allocates its context"),
        }
    }

    /// The text. `None` if this is not whole members, or too much text: the stream's decoder has to read on here.
    pub(super) fn decode(&mut self, cut: &Cut) -> Option<Vec<u8>> {
        self.one(&cut.stored).or_else(|| self.several(cut))
    }

    /// The text, if this is one member and whole.
    fn one(&mut self, stored: &[u8]) -> Option<Vec<u8>> {
        match self.format {
            Format::Gzip => {
                let size = u32::from_le_bytes(*stored.last_chunk()?) as usize;
                // A second member could have the size of the first one, which alone libdeflate would then decode.
                let another = memchr::memmem::find(stored.get(1..)?, &GZIP_HEAD[..3]);
                if size > LARGEST || another.is_some() {
                    return None;
                }
                let mut text = vec![0; size];
                let written = self.inflate.gzip_decompress(stored, &mut text).ok()?;
                (written == text.len()).then_some(text)
            }
            Format::Zstd => {
                let size = zstd_safe::get_frame_content_size(stored).ok()??;
                let size = usize::try_from(size).ok().filter(|&size| size <= LARGEST)?;
                self.zstd.decompress(stored, size).ok()
            }
            Format::Plain => None,
        }
    }

    fn several(&self, cut: &Cut) -> Option<Vec<u8>> {
        let start = Position {
            offset: cut.offset,
            text: 0,
        };
        let mut reader = Reader::at(&cut.stored[..], self.format, start);
        let mut text = Vec::new();
        loop {
            let chunk = reader.chunk().ok()?;
            if chunk.is_empty() {
                return Some(text);
            }
            text.extend_from_slice(chunk);
            if text.len() > LARGEST {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::archive::{Compression, encoder};

    /// A file with `texts` as members, and their lengths in it.
    fn written(compression: Compression, texts: &[Vec<u8>]) -> (OpenFile, Vec<u64>) {
        let file = tempfile::tempfile().unwrap();
        let mut encoder = encoder(compression);
        let mut lengths = Vec::new();
        let mut at = 0;
        for text in texts {
            let member = encoder.encode(text);
            file.write_all_at(member, at).unwrap();
            at += member.len() as u64;
            lengths.push(member.len() as u64);
        }
        (file.into(), lengths)
    }

    fn text(number: usize) -> Vec<u8> {
        let rows = (0..3000).map(|row| format!("{}\t{}\tsome text\n", number * row, row * row));
        rows.collect::<String>().into_bytes()
    }

    #[test]
    fn memory_for_a_segment_does_not_grow_with_its_members() {
        let texts: Vec<_> = (1..200).map(text).collect();
        for compression in [Compression::Gzip, Compression::GzipLevel(6), Compression::Zstd(3)] {
            let (file, lengths) = written(compression, &texts);
            let whole = lengths.iter().sum::<u64>();
            let largest = *lengths.iter().max().unwrap() as usize;
            assert!(whole as usize > 4 * (READ + largest), "{whole}");
            let mut cutter = Cutter::new(&file, compression.format(), 0, vec![whole]);
            let mut decoder = Members::new(compression.format());
            let mut given = 0;
            while let Some(cut) = cutter.cut().unwrap() {
                assert_eq!(decoder.decode(&cut).unwrap(), texts[given]);
                assert!(cutter.ahead.capacity() <= 2 * (READ + largest));
                given += 1;
            }
            assert_eq!(given, texts.len());
            assert_eq!(cutter.offset(), whole);
        }
    }

    #[test]
    fn a_cut_that_is_none_and_damage_are_left_to_the_stream() {
        let mut decoder = Members::new(Format::Gzip);
        let whole = encoder(Compression::Gzip).encode(&text(7)).to_vec();
        let cut = |stored: &[u8]| Cut {
            offset: 100,
            stored: stored.to_vec(),
        };
        assert_eq!(decoder.decode(&cut(&whole)), Some(text(7)));
        assert_eq!(
            decoder.decode(&cut(&[&whole[..], &whole].concat())),
            Some(text(7).repeat(2))
        );
        assert_eq!(decoder.decode(&cut(&whole[..whole.len() / 2])), None);
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 1;
        assert_eq!(decoder.decode(&cut(&damaged)), None);
    }
}
