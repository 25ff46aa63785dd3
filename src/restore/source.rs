//! The file's side of a restore: a thread that reads, decompresses and cuts ahead of the connection.

use std::io::Read;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::archive::Reader;
use crate::script::{Lexer, Piece};
use crate::{Error, Result};

/// Batches that may wait for the connection: about 256 KiB of text each.
const AHEAD: usize = 8;

/// Some pieces of the script, and how far into the file they reach.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Piece>,
    /// Bytes of the file read so far.
    pub(super) offset: u64,
}

/// Starts reading. The last thing the channel gives is an error, or the batch before it closes is the script's end.
pub(super) fn start(
    input: impl Read + Send + 'static,
    standard_strings: bool,
) -> mpsc::Receiver<Result<Batch>> {
    let (tell, batches) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(input, standard_strings, &tell) {
            // Nobody listening is fine: the restore has failed on its own.
            let _ = tell.blocking_send(Err(error));
        }
    });
    batches
}

fn read(input: impl Read, standard_strings: bool, tell: &mpsc::Sender<Result<Batch>>) -> Result<()> {
    let mut reader = Reader::new(input)?;
    let mut lexer = Lexer::new().standard_conforming_strings(standard_strings);
    loop {
        let chunk = reader.chunk();
        let chunk = chunk.map_err(|e| own_kind(e).context(format!("after line {}", lexer.line())))?;
        let last = chunk.is_empty();
        match last {
            true => lexer.finish(),
            false => lexer.push(Bytes::copy_from_slice(chunk)),
        }
        let mut pieces = Vec::new();
        let cut = loop {
            match lexer.cut() {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let offset = reader.offset();
        if tell.blocking_send(Ok(Batch { pieces, offset })).is_err() {
            return Ok(());
        }
        cut?;
        if last {
            // An end marker that does not fit what was read is an error.
            return reader.ending().map(drop);
        }
    }
}

/// An error of reading, as what it is where the input itself is made by reading a file: a damaged one.
fn own_kind(error: Error) -> Error {
    let io = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<std::io::Error>());
    let inner = io
        .and_then(|e| e.get_ref())
        .and_then(|e| e.downcast_ref::<Error>());
    match inner.map(Error::kind) {
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}
