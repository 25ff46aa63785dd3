//! Streaming decoders. They know where each member begins, and say at which byte of the file something is wrong.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{InBuffer, Operation, OutBuffer};

use super::Format;
use crate::{Error, Result};

/// Length of the longest end marker.
const MAX_MARKER: usize = 66;

/// Where a member begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Offset in the file.
    pub offset: u64,
    /// Offset in the text.
    pub text: u64,
}

/// The last `N` bytes of a stream.
pub(super) struct Tail<const N: usize> {
    bytes: Vec<u8>,
}

impl<const N: usize> Default for Tail<N> {
    fn default() -> Self {
        Tail {
            bytes: Vec::with_capacity(2 * N),
        }
    }
}

impl<const N: usize> Tail<N> {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(N)..];
        self.bytes.extend_from_slice(new);
        let surplus = self.bytes.len().saturating_sub(N);
        self.bytes.drain(..surplus);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Input with its position in the file, and a window that can be asked for more.
pub(super) struct Input<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offset in the file of `start`.
    pub(super) offset: u64,
    /// The last bytes consumed.
    pub(super) tail: Tail<MAX_MARKER>,
    eof: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R, offset: u64) -> Self {
        Input {
            inner,
            buffer: vec![0; 256 << 10].into_boxed_slice(),
            start: 0,
            end: 0,
            offset,
            tail: Tail::default(),
            eof: false,
        }
    }

    pub(super) fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Makes the window at least `want` bytes long, if there are so many (at most the buffer's 256 KiB).
    pub(super) fn fill(&mut self, want: usize) -> Result<&[u8]> {
        while self.end - self.start < want && !self.eof {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            match self.inner.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.eof = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(format!("cannot read at byte {}", self.offset), e)),
            }
        }
        Ok(self.window())
    }

    pub(super) fn consume(&mut self, n: usize) {
        self.tail.push(&self.buffer[self.start..self.start + n]);
        self.start += n;
        self.offset += n as u64;
    }
}

/// The decoder of one format.
pub(super) enum Decoder {
    Plain,
    Gzip(Gzip),
    Zstd(Zstd),
}

/// What one step of decoding gave.
pub(super) enum Step {
    /// So many bytes of text.
    Text(usize),
    /// A member begins at this offset of the file.
    Member(u64),
    /// The input ends, between two members.
    End,
}

impl Decoder {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Plain => Decoder::Plain,
            Format::Gzip => Decoder::Gzip(Gzip::new()),
            Format::Zstd => Decoder::Zstd(Zstd::new()),
        }
    }

    /// Decodes some text into `out`. A step never crosses the end of a member.
    pub(super) fn step<R: Read>(&mut self, input: &mut Input<R>, out: &mut [u8]) -> Result<Step> {
        match self {
            Decoder::Plain => {
                let window = input.fill(1)?;
                if window.is_empty() {
                    return Ok(Step::End);
                }
                let n = window.len().min(out.len());
                out[..n].copy_from_slice(&window[..n]);
                input.consume(n);
                Ok(Step::Text(n))
            }
            Decoder::Gzip(gzip) => gzip.step(input, out),
            Decoder::Zstd(zstd) => zstd.step(input, out),
        }
    }
}

fn truncated(format: Format, member: u64, at: u64) -> Error {
    Error::damaged(format!(
        "the file ends at byte {at}, inside the {format} member that begins at byte {member}: it is truncated"
    ))
}

fn garbage(format: Format, at: u64) -> Error {
    Error::damaged(format!(
        "bytes that are not {format} follow the member that ends at byte {at}"
    ))
}

fn corrupt(format: Format, member: u64, at: u64, what: impl std::fmt::Display) -> Error {
    Error::damaged(format!(
        "the {format} member that begins at byte {member} is damaged near byte {at}: {what}"
    ))
}

pub(super) struct Gzip {
    inflate: Decompress,
    crc: crc32fast::Hasher,
    size: u32,
    member: u64,
    inside: bool,
}

impl Gzip {
    fn new() -> Self {
        Gzip {
            inflate: Decompress::new(false),
            crc: crc32fast::Hasher::new(),
            size: 0,
            member: 0,
            inside: false,
        }
    }

    fn step<R: Read>(&mut self, input: &mut Input<R>, out: &mut [u8]) -> Result<Step> {
        if !self.inside {
            return self.open(input);
        }
        loop {
            let window = input.fill(1)?;
            if window.is_empty() {
                return Err(truncated(Format::Gzip, self.member, input.offset));
            }
            let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(window, out, FlushDecompress::None)
                .map_err(|e| corrupt(Format::Gzip, self.member, input.offset, e))?;
            input.consume((self.inflate.total_in() - in_before) as usize);
            let n = (self.inflate.total_out() - out_before) as usize;
            self.crc.update(&out[..n]);
            self.size = self.size.wrapping_add(n as u32);
            if status == Status::StreamEnd {
                self.close(input)?;
                return Ok(Step::Text(n));
            }
            if n > 0 {
                return Ok(Step::Text(n));
            }
        }
    }

    fn open<R: Read>(&mut self, input: &mut Input<R>) -> Result<Step> {
        let at = input.offset;
        let mut want = 10;
        let length = loop {
            let window = input.fill(want)?;
            if window.is_empty() {
                return Ok(Step::End);
            }
            let magic = [0x1f, 0x8b, 8];
            let seen = window.len().min(magic.len());
            if window[..seen] != magic[..seen] {
                return Err(garbage(Format::Gzip, at));
            }
            if window.len() > 3 && window[3] & 0xe0 != 0 {
                return Err(corrupt(Format::Gzip, at, at + 3, "reserved flags are set"));
            }
            if let Some(length) = gzip_header(window) {
                break length;
            }
            if window.len() < want || want > 128 << 10 {
                return Err(truncated(Format::Gzip, at, at + window.len() as u64));
            }
            want = window.len() + 1;
        };
        input.consume(length);
        self.inflate.reset(false);
        self.crc.reset();
        self.size = 0;
        self.member = at;
        self.inside = true;
        Ok(Step::Member(at))
    }

    fn close<R: Read>(&mut self, input: &mut Input<R>) -> Result<()> {
        let window = input.fill(8)?;
        let Some(&[c0, c1, c2, c3, s0, s1, s2, s3]) = window.first_chunk::<8>() else {
            let left = window.len() as u64;
            let at = input.offset + left;
            return Err(truncated(Format::Gzip, self.member, at));
        };
        let (crc, size) = (
            u32::from_le_bytes([c0, c1, c2, c3]),
            u32::from_le_bytes([s0, s1, s2, s3]),
        );
        let found = self.crc.clone().finalize();
        if (found, self.size) != (crc, size) {
            return Err(corrupt(
                Format::Gzip,
                self.member,
                input.offset,
                format!(
                    "{} bytes with CRC-32 {found:08x} were found, {size} with {crc:08x} expected",
                    self.size
                ),
            ));
        }
        input.consume(8);
        self.inside = false;
        Ok(())
    }
}

/// Length of a gzip header; `None` if it does not end within `bytes`.
fn gzip_header(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (bytes.len() >= at).then_some(at)
}

pub(super) struct Zstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    member: u64,
    inside: bool,
    /// Bytes of a skippable frame that are still to be skipped.
    skip: u64,
}

impl Zstd {
    fn new() -> Self {
        let mut decoder = zstd::stream::raw::Decoder::new().expect("zstd allocates its context");
        // What `zstd --long=27` writes by default is read; more would be memory at the file's command.
        decoder
            .set_parameter(zstd::stream::raw::DParameter::WindowLogMax(27))
            .expect("zstd knows its largest window");
        Zstd {
            decoder,
            member: 0,
            inside: false,
            skip: 0,
        }
    }

    fn step<R: Read>(&mut self, input: &mut Input<R>, out: &mut [u8]) -> Result<Step> {
        while self.skip > 0 {
            let window = input.fill(1)?;
            if window.is_empty() {
                return Err(truncated(Format::Zstd, self.member, input.offset));
            }
            let n = self.skip.min(window.len() as u64);
            input.consume(n as usize);
            self.skip -= n;
        }
        if !self.inside {
            return self.open(input);
        }
        // Text may be left inside the decoder after the last byte of input, so an empty window is no end by itself.
        loop {
            input.fill(1)?;
            let mut source = InBuffer::around(input.window());
            let mut sink = OutBuffer::around(&mut *out);
            let hint = self
                .decoder
                .run(&mut source, &mut sink)
                .map_err(|e| corrupt(Format::Zstd, self.member, input.offset, e))?;
            let (used, n) = (source.pos(), sink.pos());
            input.consume(used);
            if hint == 0 {
                self.inside = false;
                return Ok(Step::Text(n));
            }
            if n > 0 {
                return Ok(Step::Text(n));
            }
            if used == 0 && input.window().is_empty() {
                return Err(truncated(Format::Zstd, self.member, input.offset));
            }
        }
    }

    fn open<R: Read>(&mut self, input: &mut Input<R>) -> Result<Step> {
        let at = input.offset;
        let window = input.fill(8)?;
        if window.is_empty() {
            return Ok(Step::End);
        }
        let cut = truncated(Format::Zstd, at, at + window.len() as u64);
        let Some(magic) = window.first_chunk::<4>() else {
            return Err(cut);
        };
        self.member = at;
        match u32::from_le_bytes(*magic) {
            0xfd2f_b528 => {
                self.decoder
                    .reinit()
                    .map_err(|e| corrupt(Format::Zstd, at, at, e))?;
                self.inside = true;
            }
            0x184d_2a50..=0x184d_2a5f => {
                let Some(&[_, _, _, _, a, b, c, d]) = window.first_chunk::<8>() else {
                    return Err(cut);
                };
                self.skip = u64::from(u32::from_le_bytes([a, b, c, d]));
                input.consume(8);
            }
            _ => return Err(garbage(Format::Zstd, at)),
        }
        Ok(Step::Member(at))
    }
}
