//! Blocks of a script in, pieces out.

use std::mem;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memchr2};

use super::class::is_space;
use super::copy::{self, Cut};
use super::inside::skip_comment;
use super::meta::{self, Command, Meta};
use super::scan::{Scanner, Stop};
use super::words::setting;
use crate::error::Kind;
use crate::{Error, Result};

/// The longest statement a server takes in one message.
const STATEMENT_LIMIT: usize = (1 << 30) - 1;
/// A comment line or meta-command is kept whole up to this length.
const LINE_LIMIT: usize = 1 << 16;

/// A part of a script. All pieces together are the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// White space and comments between statements. A long comment comes in parts; a `--` line below 64 KiB does not.
    Gap(Bytes),
    /// A whole statement with its semicolon.
    Statement(Statement),
    /// Some rows of the COPY statement before: not necessarily whole ones.
    Rows(Bytes),
    /// The end marker of the rows: `\.` with its line end.
    EndOfRows(Bytes),
    /// A meta-command.
    Meta(Meta),
}

impl Piece {
    /// The statement, if it is one.
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Piece::Statement(statement) => Some(statement),
            _ => None,
        }
    }

    /// Its bytes in the script.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Piece::Gap(bytes) | Piece::Rows(bytes) | Piece::EndOfRows(bytes) => bytes,
            Piece::Statement(statement) => &statement.text,
            Piece::Meta(meta) => &meta.text,
        }
    }
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text in the script's encoding, semicolon included.
    pub text: Bytes,
    /// Line of its first byte in the script, from 1.
    pub line: u64,
    /// Whether it is `COPY ... FROM stdin`, so that rows follow.
    pub rows_follow: bool,
}

/// Where in the script the lexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At its very first byte.
    Start,
    /// Between statements; in a block comment of this depth, or 0.
    Gap {
        comment: u32,
    },
    /// In a `--` line too long to be kept whole.
    LongLine,
    Statement,
    Meta,
    /// After `COPY ... FROM stdin;`, before its line's end.
    BeforeRows,
    /// In the rows; they began at this line.
    Rows {
        from: u64,
        line_start: bool,
    },
}

/// Cuts a script into [Piece]s. Feed it with [Lexer::push], take with [Lexer::cut] until that gives `None`, and so on;
/// after the last block call [Lexer::finish] and take the rest.
#[derive(Debug)]
pub struct Lexer {
    /// What has not been handed out yet.
    text: Bytes,
    /// How far into `text` the statement has been scanned.
    scanned: usize,
    /// Line of the first byte of `text`.
    line: u64,
    last: bool,
    place: Place,
    scanner: Scanner,
    restricted: Option<String>,
    /// Headers of dumps without their closing lines.
    open_dumps: u32,
}

impl Default for Lexer {
    fn default() -> Self {
        Lexer::new()
    }
}

impl Lexer {
    /// A lexer at the beginning of a script.
    pub fn new() -> Self {
        Lexer {
            text: Bytes::new(),
            scanned: 0,
            line: 1,
            last: false,
            place: Place::Start,
            scanner: Scanner::new(),
            restricted: None,
            open_dumps: 0,
        }
    }

    /// Whether the session that runs the script starts with `standard_conforming_strings` on (the default). What the
    /// script itself sets is followed.
    #[must_use]
    pub fn standard_conforming_strings(mut self, on: bool) -> Self {
        self.scanner.standard_strings = on;
        self
    }

    /// The next block of the script. Take all pieces before pushing another, else memory grows.
    pub fn push(&mut self, block: Bytes) {
        if self.text.is_empty() {
            self.text = block;
            return;
        }
        let rest = mem::take(&mut self.text);
        // Unshared after the first join: a statement over many blocks is not copied once a block.
        let mut joined = rest.try_into_mut().unwrap_or_else(|rest| {
            let mut copy = BytesMut::with_capacity(rest.len() + block.len());
            copy.extend_from_slice(&rest);
            copy
        });
        joined.extend_from_slice(&block);
        self.text = joined.freeze();
    }

    /// There are no more blocks.
    pub fn finish(&mut self) {
        self.last = true;
    }

    /// Line of the first byte not handed out yet, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Whether the rows of a COPY statement come next, and nothing is held of what was pushed: then whoever knows where
    /// they end may take them past the lexer.
    pub fn is_before_rows(&self) -> bool {
        self.text.is_empty() && matches!(self.place, Place::Rows { line_start: true, .. })
    }

    /// So many lines of the script were taken past the lexer.
    pub fn pass(&mut self, lines: u64) {
        self.line += lines;
    }

    /// The next piece, or `None` when more text is needed or, after [Lexer::finish], when the script is over.
    ///
    /// Errors: a meta-command that is refused ([Kind::Script]), a script that ends in the middle of something
    /// ([Kind::Damaged]).
    pub fn cut(&mut self) -> Result<Option<Piece>> {
        loop {
            if self.text.is_empty() && !self.last {
                return Ok(None);
            }
            let place = self.place;
            let piece = match self.place {
                Place::Start => self.start()?,
                Place::Gap { comment } => self.gap(comment)?,
                Place::LongLine => self.long_line(),
                Place::Statement => self.statement()?,
                Place::Meta => self.meta()?,
                Place::BeforeRows => self.before_rows()?,
                Place::Rows { from, line_start } => self.rows(from, line_start)?,
            };
            if piece.is_some() || place == self.place {
                return Ok(piece);
            }
        }
    }

    /// Hands out the first `end` bytes.
    fn take(&mut self, end: usize) -> Bytes {
        let bytes = self.text.split_to(end);
        self.line += memchr_iter(b'\n', &bytes).count() as u64;
        self.scanned = 0;
        bytes
    }

    /// The bytes before a statement that are none of it, or the news that this is no script.
    fn start(&mut self) -> Result<Option<Piece>> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        if self.text.len() < 8 && !self.last {
            return Ok(None);
        }
        let archive = match &self.text[..] {
            text if text.starts_with(b"PGDMP") => Some("custom"),
            text if text.starts_with(b"toc.dat\0") => Some("tar"),
            _ => None,
        };
        if let Some(format) = archive {
            return Err(Error::usage(format!(
                "this is a dump in pg_dump's {format} format, not an SQL script"
            ))
            .hint("Restore it with pg_restore, or turn it into a script with pg_restore -f FILE."));
        }
        self.place = Place::Gap { comment: 0 };
        if self.text.starts_with(BYTE_ORDER_MARK) {
            return Ok(Some(Piece::Gap(self.take(BYTE_ORDER_MARK.len()))));
        }
        Ok(None)
    }

    fn gap(&mut self, mut comment: u32) -> Result<Option<Piece>> {
        let text = &self.text[..];
        let mut at = 0;
        let next = loop {
            if comment > 0 {
                match skip_comment(text, at, comment, self.last) {
                    Ok(end) => (at, comment) = (end, 0),
                    Err((depth, end)) => {
                        (at, comment) = (end, depth);
                        break Place::Gap { comment };
                    }
                }
            }
            match &text[at..] {
                [] => break Place::Gap { comment },
                [b, ..] if is_space(*b) => at += 1,
                [b'-' | b'/'] if !self.last => break Place::Gap { comment },
                [b'/', b'*', ..] => (at, comment) = (at + 2, 1),
                [b'-', b'-', rest @ ..] => match memchr2(b'\n', b'\r', rest) {
                    Some(n) => {
                        note_dump(&mut self.open_dumps, &text[at..at + 2 + n]);
                        at += 2 + n;
                    }
                    None if self.last => {
                        note_dump(&mut self.open_dumps, &text[at..]);
                        at = text.len();
                    }
                    None if rest.len() > LINE_LIMIT => {
                        at = text.len();
                        break Place::LongLine;
                    }
                    None => break Place::Gap { comment },
                },
                [b'\\', ..] => break Place::Meta,
                _ => break Place::Statement,
            }
        };
        self.place = next;
        if at > 0 {
            return Ok(Some(Piece::Gap(self.take(at))));
        }
        if self.last && self.text.is_empty() {
            if comment > 0 {
                return Err(self.cut_short("a comment"));
            }
            if self.open_dumps > 0 {
                return Err(Error::damaged(format!(
                    "the script is truncated: it ends at line {} without the line \"-- PostgreSQL database dump \
                     complete\" that its header promises",
                    self.line
                )));
            }
        }
        Ok(None)
    }

    fn long_line(&mut self) -> Option<Piece> {
        let end = memchr2(b'\n', b'\r', &self.text);
        if end.is_some() || self.last {
            self.place = Place::Gap { comment: 0 };
        }
        match end.unwrap_or(self.text.len()) {
            0 => None,
            end => Some(Piece::Gap(self.take(end))),
        }
    }

    fn statement(&mut self) -> Result<Option<Piece>> {
        let (stop, at) = self.scanner.scan(&self.text, self.scanned, self.last);
        self.scanned = at;
        match stop {
            Stop::Semicolon => {
                let line = self.line;
                let text = self.take(at);
                let rows_follow = self.scanner.is_copy_from_stdin();
                self.scanner.reset();
                self.place = if rows_follow {
                    Place::BeforeRows
                } else {
                    Place::Gap { comment: 0 }
                };
                self.note_setting(&text);
                Ok(Some(Piece::Statement(Statement {
                    text,
                    line,
                    rows_follow,
                })))
            }
            // The command's name is wanted whole.
            Stop::Backslash if self.text.len() - at < 50 && !self.last => Ok(None),
            Stop::Backslash => {
                let name = meta::name(&self.text[at..]);
                Err(meta::refused(&name, self.line_at(at)))
            }
            Stop::EndlessWord => Err(Error::new(
                Kind::Script,
                format!(
                    "line {}: a word of more than a mebibyte is no SQL",
                    self.line_at(at)
                ),
            )),
            Stop::More if self.last => Err(self.cut_short(self.scanner.inside.describe())),
            Stop::More if self.text.len() > STATEMENT_LIMIT => Err(Error::new(
                Kind::Script,
                format!(
                    "line {}: the statement is longer than 1 GiB, the most a server takes",
                    self.line
                ),
            )
            .hint("A quote that is never closed makes everything after it one statement.")),
            Stop::More => Ok(None),
        }
    }

    fn meta(&mut self) -> Result<Option<Piece>> {
        let end = match memchr(b'\n', &self.text) {
            Some(end) => end,
            None if self.last => self.text.len(),
            None if self.text.len() > LINE_LIMIT => {
                return Err(meta::refused(&meta::name(&self.text), self.line));
            }
            None => return Ok(None),
        };
        let line = self.line;
        let command = meta::parse(&self.text[..end], line)?;
        match (&command, &self.restricted) {
            (Command::Restrict(key), None) => self.restricted = Some(key.clone()),
            (Command::Unrestrict(key), Some(restricted)) if key == restricted => self.restricted = None,
            (Command::Unrestrict(_), _) => {
                return Err(Error::new(
                    Kind::Script,
                    format!("line {line}: \\unrestrict has not the key of the \\restrict before it"),
                ));
            }
            (Command::Encoding(name), None) => self.scanner.wide = is_wide(name),
            (_, None) => {}
            (_, Some(_)) => return Err(meta::refused(&meta::name(&self.text), line)),
        }
        self.place = Place::Gap { comment: 0 };
        let text = self.take(end);
        Ok(Some(Piece::Meta(Meta { text, line, command })))
    }

    /// psql reads rows from the next line on and afterwards what is left of this one. That is a trap, not a feature.
    fn before_rows(&mut self) -> Result<Option<Piece>> {
        let end = match memchr(b'\n', &self.text) {
            Some(end) => end + 1,
            None if self.last => return Err(self.rows_missing(self.line)),
            None if self.text.len() < LINE_LIMIT => return Ok(None),
            None => self.text.len(),
        };
        let rest = self.text[..end].trim_ascii();
        if !self.text[..end].ends_with(b"\n") || !(rest.is_empty() || rest.starts_with(b"--")) {
            return Err(Error::new(
                Kind::Script,
                format!(
                    "line {}: there is more on the line after COPY ... FROM stdin;",
                    self.line
                ),
            )
            .hint("The rows must begin on the next line."));
        }
        let gap = self.take(end);
        self.place = Place::Rows {
            from: self.line,
            line_start: true,
        };
        Ok(Some(Piece::Gap(gap)))
    }

    fn rows(&mut self, from: u64, mut line_start: bool) -> Result<Option<Piece>> {
        let cut = copy::cut(&self.text, &mut line_start, self.last);
        match cut {
            Cut::Rows(end) => {
                self.place = Place::Rows { from, line_start };
                Ok(Some(Piece::Rows(self.take(end))))
            }
            Cut::End(end) => {
                self.place = Place::Gap { comment: 0 };
                Ok(Some(Piece::EndOfRows(self.take(end))))
            }
            Cut::More if self.last => Err(self.rows_missing(from)),
            Cut::More => Ok(None),
        }
    }

    /// Line of the byte `at` of the text in hand.
    fn line_at(&self, at: usize) -> u64 {
        self.line + memchr_iter(b'\n', &self.text[..at]).count() as u64
    }

    fn note_setting(&mut self, text: &[u8]) {
        let maybe = text.len() < 1000 && matches!(text[0], b's' | b'S' | b'r' | b'R');
        match setting(text).filter(|_| maybe) {
            Some((name, value)) if name == "standard_conforming_strings" => {
                self.scanner.standard_strings =
                    !matches!(value.as_str(), "off" | "of" | "false" | "no" | "0");
            }
            Some((name, value)) if name == "client_encoding" => self.scanner.wide = is_wide(&value),
            _ => {}
        }
    }

    fn rows_missing(&self, from: u64) -> Error {
        Error::damaged(format!(
            "the script is truncated: the rows that begin at line {from} have no end marker (a line of \\.)"
        ))
    }

    fn cut_short(&self, what: &str) -> Error {
        let line = self.line;
        Error::damaged(format!(
            "the script is truncated: it ends in the middle of {what}, in the statement that begins at line {line}"
        ))
        .hint("If the script is whole, a quote may be open or the last semicolon missing.")
    }
}

/// Whether letters of the encoding can have a backslash for their second byte: PostgreSQL has these for clients only.
fn is_wide(encoding: &str) -> bool {
    const WIDE: &[&str] = &[
        "big5",
        "gb18030",
        "gbk",
        "johab",
        "mskanji",
        "shiftjis",
        "shiftjis2004",
        "sjis",
        "uhc",
        "win932",
        "win936",
        "win949",
        "win950",
        "windows932",
        "windows936",
        "windows949",
        "windows950",
    ];
    let plain: String = encoding
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    WIDE.binary_search(&plain.as_str()).is_ok()
}

/// Counts the headers and closing lines that pg_dump, pg_dumpall and pgstow write.
fn note_dump(open: &mut u32, comment: &[u8]) {
    match comment.trim_ascii_end() {
        b"-- PostgreSQL database dump" | b"-- PostgreSQL database cluster dump" => *open += 1,
        b"-- PostgreSQL database dump complete" | b"-- PostgreSQL database cluster dump complete" => {
            *open = open.saturating_sub(1);
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
