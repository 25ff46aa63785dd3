//! What was encrypted: 64 KiB at a time, each piece sealed with its number and whether it is the last, so that pieces
//! can be read at any place, but not exchanged, cut off or added (the construction is called STREAM).

use std::io::{self, Read, Seek, SeekFrom, Write};

use ring::aead::{Aad, LessSafeKey, Nonce};

use super::FileKey;
use super::header::{aead_key, random};
use crate::{Error, Result};

const PIECE: usize = 64 << 10;
const TAG: usize = 16;
const SEALED: u64 = (PIECE + TAG) as u64;
/// Random bytes before the first piece.
const SALT: usize = 16;

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Encrypts what is written to it. What was written is readable only after [`Writer::finish`].
pub struct Writer<W> {
    out: W,
    key: LessSafeKey,
    number: u64,
    piece: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(mut out: W, key: &FileKey) -> Result<Writer<W>> {
        let salt: [u8; SALT] = random()?;
        out.write_all(&salt).map_err(|e| Error::io("cannot write", e))?;
        Ok(Writer {
            out,
            key: aead_key(&key.derive(&salt, b"payload")?)?,
            number: 0,
            piece: Vec::with_capacity(SEALED as usize),
        })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(self.number, last);
        let sealed = self
            .key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut self.piece);
        sealed.map_err(|_| io::Error::other("a piece cannot be encrypted"))?;
        self.out.write_all(&self.piece)?;
        self.piece.clear();
        self.number += 1;
        Ok(())
    }

    /// Seals the last piece and gives the output back, flushed.
    pub fn finish(mut self) -> Result<W> {
        let failed = |e| Error::io("cannot write", e);
        self.seal(true).map_err(failed)?;
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is sealed only when more follows: the last one may be full, but not empty.
        if self.piece.len() == PIECE {
            self.seal(false)?;
        }
        let n = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Decrypts what is read from it, at any place. Errors carry a [`crate::Error`].
pub struct Reader<R> {
    input: R,
    key: LessSafeKey,
    /// Where the first piece begins.
    start: u64,
    /// Bytes of all that was encrypted.
    length: u64,
    at: u64,
    /// The piece read last, and its number.
    piece: Vec<u8>,
    number: Option<u64>,
}

impl<R: Read + Seek> Reader<R> {
    pub(super) fn begin(mut input: R, header: u64, key: &FileKey) -> Result<Reader<R>> {
        let failed = |e| Error::io("cannot read", e);
        let mut salt = [0; SALT];
        input.read_exact(&mut salt).map_err(|_| cut_off())?;
        let start = header + SALT as u64;
        let end = input.seek(SeekFrom::End(0)).map_err(failed)?;
        let sealed = end.checked_sub(start).ok_or_else(cut_off)?;
        let pieces = sealed.div_ceil(SEALED).max(1);
        let length = sealed.checked_sub(pieces * TAG as u64).ok_or_else(cut_off)?;
        let mut reader = Reader {
            input,
            key: aead_key(&key.derive(&salt, b"payload")?)?,
            start,
            length,
            at: 0,
            piece: Vec::new(),
            number: None,
        };
        // The last piece proves the length.
        reader.load(pieces - 1).map_err(Error::of_reading)?;
        Ok(reader)
    }

    fn load(&mut self, number: u64) -> io::Result<()> {
        if self.number == Some(number) {
            return Ok(());
        }
        self.number = None;
        self.input.seek(SeekFrom::Start(self.start + number * SEALED))?;
        self.piece.clear();
        (&mut self.input).take(SEALED).read_to_end(&mut self.piece)?;
        let last = (number + 1) * PIECE as u64 >= self.length;
        let nonce = nonce(number, last);
        let opened = self.key.open_in_place(nonce, Aad::empty(), &mut self.piece);
        let length = opened.map_err(|_| io::Error::other(wrong(number)))?.len();
        self.piece.truncate(length);
        self.number = Some(number);
        Ok(())
    }
}

fn cut_off() -> Error {
    Error::damaged("the encrypted file is cut off")
}

fn wrong(number: u64) -> Error {
    Error::damaged(format!(
        "the encrypted file is damaged or cut off: piece {number} of 64 KiB is not what was written"
    ))
}

impl<R: Read + Seek> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || out.is_empty() {
            return Ok(0);
        }
        self.load(self.at / PIECE as u64)?;
        let from = (self.at % PIECE as u64) as usize;
        let rest = self.piece.get(from..).unwrap_or_default();
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Reader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
