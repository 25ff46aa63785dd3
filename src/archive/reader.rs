//! The text of a dump in sequence, from any source: our files, pg_dump's, gzip, zstd or plain.

use std::io::{self, Read};

use super::decode::{Decoder, Input, Position, Step, Tail};
use super::{COMPLETE, EndMarker, Format};
use crate::{Error, Result};

/// Bytes of text kept to recognise the end by.
const TAIL: usize = 512;
const CHUNK: usize = 256 << 10;

/// Reads the text of a dump from start to end, checking every member's checksum on the way. Memory is constant.
///
/// Reaching the end of the text does not yet mean that the file is whole: ask [`Reader::ending`].
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    decoder: Decoder,
    chunk: Box<[u8]>,
    /// What of `chunk` [`Read::read`] has not given away yet.
    unread: std::ops::Range<usize>,
    text: u64,
    member: Position,
    tail: Tail<TAIL>,
    done: bool,
}

/// How the text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With an index and an end marker that fits what was read: a whole file of ours.
    Marked(EndMarker),
    /// With the line `-- PostgreSQL database dump complete`, as pg_dump's files and recompressed ones do.
    Complete,
    /// Somewhere: either not the output of a dump program or truncated at the end of a member.
    Unmarked,
}

impl<R: Read> Reader<R> {
    /// Looks at the first bytes and prepares to read. What is no dump at all is refused here.
    pub fn new(input: R) -> Result<Self> {
        let mut input = Input::new(input, 0);
        let format = sniff(input.fill(512)?)?;
        Ok(Reader::with_format(input, format))
    }

    /// Reads members of a known format, the first of which begins here.
    pub(super) fn at(input: R, format: Format, start: Position) -> Self {
        Reader {
            text: start.text,
            ..Reader::with_format(Input::new(input, start.offset), format)
        }
    }

    fn with_format(input: Input<R>, format: Format) -> Self {
        Reader {
            input,
            format,
            decoder: Decoder::new(format),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            unread: 0..0,
            text: 0,
            member: Position::default(),
            tail: Tail::default(),
            done: false,
        }
    }

    /// What the file turned out to be.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the file read so far, for progress.
    pub fn offset(&self) -> u64 {
        self.input.offset
    }

    /// Bytes of text given so far.
    pub fn text(&self) -> u64 {
        self.text
    }

    /// Says where in the text the reader is, when it was put somewhere by [`Reader::at`] without knowing.
    pub(super) fn set_text(&mut self, text: u64) {
        self.text = text;
    }

    /// Where the member begins that the last chunk came from.
    pub fn member(&self) -> Position {
        self.member
    }

    /// The next piece of text, at most 256 KiB and never of two members; empty at the end.
    pub fn chunk(&mut self) -> Result<&[u8]> {
        let n = self.advance()?;
        Ok(&self.chunk[..n])
    }

    fn advance(&mut self) -> Result<usize> {
        while !self.done {
            match self.decoder.step(&mut self.input, &mut self.chunk)? {
                Step::Text(0) => {}
                Step::Text(n) => {
                    self.text += n as u64;
                    self.tail.push(&self.chunk[..n]);
                    return Ok(n);
                }
                Step::Member(offset) => {
                    self.member = Position {
                        offset,
                        text: self.text,
                    }
                }
                Step::End => self.done = true,
            }
        }
        Ok(0)
    }

    /// A part of the chunk read last.
    pub(super) fn last(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.chunk[range]
    }

    /// The last bytes of the text read so far, at most 512.
    pub(super) fn tail(&self) -> &[u8] {
        self.tail.bytes()
    }

    /// Reads what is left, then says how the text ended. An end marker that does not fit what was read is an error.
    pub fn ending(&mut self) -> Result<Ending> {
        while self.advance()? > 0 {}
        let end = self.input.tail.bytes();
        if let Some(marker) = EndMarker::decode(self.format, end) {
            let index = self
                .input
                .offset
                .checked_sub(EndMarker::length(self.format) as u64);
            if marker.text != self.text || marker.index_offset.checked_add(marker.index_length) != index {
                return Err(Error::damaged(format!(
                    "the end marker speaks of {} bytes of text, but {} were found: parts of the file are missing",
                    marker.text, self.text
                )));
            }
            return Ok(Ending::Marked(marker));
        }
        let text = self.tail.bytes();
        let complete =
            memchr::memmem::find_iter(text, COMPLETE.as_bytes()).any(|at| at == 0 || text[at - 1] == b'\n');
        Ok(if complete {
            Ending::Complete
        } else {
            Ending::Unmarked
        })
    }
}

/// Errors carry an [`Error`]; [`into_error`] gives it back.
impl<R: Read> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.unread = 0..self.advance().map_err(io::Error::other)?;
        }
        let n = out.len().min(self.unread.len());
        out[..n].copy_from_slice(&self.chunk[self.unread.start..self.unread.start + n]);
        self.unread.start += n;
        Ok(n)
    }
}

/// The [`Error`] inside an error of [`Reader`]'s [`Read`], or the I/O error as one.
pub fn into_error(e: io::Error) -> Error {
    Error::of_reading(e)
}

/// Recognises the format by the first bytes; names what it is if it is something else.
fn sniff(start: &[u8]) -> Result<Format> {
    let pg_restore = "Restore it with pg_restore, or turn it into SQL with `pg_restore -f FILE.sql`.";
    match start {
        [] => Err(Error::damaged("the file is empty")),
        [0x1f, 0x8b, ..] => Ok(Format::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Format::Zstd),
        [b'P', b'G', b'D', b'M', b'P', ..] => {
            Err(other("an archive in pg_dump's custom format").hint(pg_restore))
        }
        _ if start.get(257..262) == Some(b"ustar") => Err(other("a tar archive").hint(pg_restore)),
        [b'B', b'Z', b'h', ..] => Err(other("compressed by bzip2").hint("Decompress it first.")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(other("compressed by xz").hint("Decompress it first.")),
        [4, 0x22, 0x4d, 0x18, ..] => Err(other("compressed by lz4").hint("Decompress it first.")),
        [b'P', b'K', 3, 4, ..] => Err(other("a zip archive").hint("Unpack it first.")),
        // PostgreSQL's text never contains a zero byte.
        _ if start.contains(&0) => Err(other("neither gzip nor zstd nor text")),
        _ => Ok(Format::Plain),
    }
}

fn other(what: &str) -> Error {
    Error::damaged(format!("the file is {what}, expected SQL: plain, gzip or zstd"))
}
