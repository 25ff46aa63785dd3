//! The file's side of a restore: a thread that reads, decompresses and cuts ahead of the connection.

use std::io::Read;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::archive::{Excerpt, Part, Reader};
use crate::script::{Lexer, Piece};
use crate::{Error, Result};

/// Batches that may wait for the connection: about 256 KiB of text each ...
const AHEAD: usize = 8;
/// ... or about 1 MiB of rows, a member's.
const MEMBERS_AHEAD: usize = 2;

/// Where a script is read from.
pub enum Script {
    /// From its beginning to its end.
    Stream(Box<dyn Read + Send>),
    /// By the index of the file.
    Archive(Box<Excerpt>),
}

impl Script {
    /// A script that can be read only once.
    pub fn stream(input: impl Read + Send + 'static) -> Script {
        Script::Stream(Box::new(input))
    }
}

/// Some pieces of the script, and how far into the file they reach.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) pieces: Vec<Piece>,
    /// Bytes of the file read so far.
    pub(super) offset: u64,
}

/// What the reading thread gives: batches, and then `None` or an error. If it panics there is neither, and the script
/// only seems to be over.
type Given = Result<Option<Batch>>;

/// The batches of a script, as they are read.
pub(super) struct Batches(mpsc::Receiver<Given>);

impl Batches {
    /// The next batch; `None` at the script's end. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>> {
        let given = self.0.recv().await;
        given.unwrap_or_else(|| Err(Error::failed("the thread that reads the file panicked")))
    }
}

/// Starts reading.
pub(super) fn start(script: Script, standard_strings: bool) -> Batches {
    let (tell, batches) = mpsc::channel(match &script {
        Script::Stream(_) => AHEAD,
        Script::Archive(_) => MEMBERS_AHEAD,
    });
    let lexer = Lexer::new().standard_conforming_strings(standard_strings);
    tokio::task::spawn_blocking(move || {
        let read = match script {
            Script::Stream(input) => read_stream(input, lexer, &tell),
            Script::Archive(excerpt) => read_archive(*excerpt, lexer, &tell),
        };
        // Nobody listening is fine: the restore has failed on its own.
        let _ = tell.blocking_send(read.map(|()| None));
    });
    Batches(batches)
}

fn read_stream(input: impl Read, mut lexer: Lexer, tell: &mpsc::Sender<Given>) -> Result<()> {
    let mut reader = Reader::new(input)?;
    loop {
        let chunk = reader.chunk();
        let chunk = chunk.map_err(|e| e.context(format!("after line {}", lexer.line())))?;
        let last = chunk.is_empty();
        match last {
            true => lexer.finish(),
            false => lexer.push(Bytes::copy_from_slice(chunk)),
        }
        if !cut(&mut lexer, reader.offset(), tell)? {
            return Ok(());
        }
        if last {
            // An end marker that does not fit what was read is an error.
            return reader.ending().map(drop);
        }
    }
}

/// Rows whose place the index tells go past the lexer: it would only look for their end.
fn read_archive(mut excerpt: Excerpt, mut lexer: Lexer, tell: &mpsc::Sender<Given>) -> Result<()> {
    loop {
        let part = excerpt.part();
        let part = part.map_err(|e| e.context(format!("after line {}", lexer.line())))?;
        let last = part.is_none();
        match part {
            Some(Part::Sql(text)) => lexer.push(text),
            Some(Part::Rows { text, .. }) => {
                if !lexer.is_before_rows() {
                    return Err(misplaced(&lexer));
                }
                let batch = Batch {
                    pieces: vec![Piece::Rows(text)],
                    offset: excerpt.read(),
                };
                if tell.blocking_send(Ok(Some(batch))).is_err() {
                    return Ok(());
                }
                continue;
            }
            Some(Part::Lines(lines)) => {
                lexer.pass(lines);
                continue;
            }
            None => lexer.finish(),
        }
        if !cut(&mut lexer, excerpt.read(), tell)? || last {
            return Ok(());
        }
    }
}

fn misplaced(lexer: &Lexer) -> Error {
    Error::damaged(format!(
        "the index speaks of rows at line {}, where no COPY statement has begun any",
        lexer.line()
    ))
}

/// Hands on all pieces that are there. False when nobody wants them any more.
fn cut(lexer: &mut Lexer, offset: u64, tell: &mpsc::Sender<Given>) -> Result<bool> {
    let mut pieces = Vec::new();
    let cut = loop {
        match lexer.cut() {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if tell.blocking_send(Ok(Some(Batch { pieces, offset }))).is_err() {
        return Ok(false);
    }
    cut.map(|()| true)
}
