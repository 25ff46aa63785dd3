//! Blocks of a script in, pieces out.

use std::mem;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memchr2};

use super::copy::{self, Cut};
use super::meta::{self, Command, Meta};
use super::scan::{Scanner, Stop, is_space, skip_comment};
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
        if maybe
            && let Some((name, value)) = setting(text)
            && name == "standard_conforming_strings"
        {
            self.scanner.standard_strings = !matches!(value.as_str(), "off" | "of" | "false" | "no" | "0");
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All pieces, the script being pushed in blocks of this size; the error, if it ended in one.
    fn cut_all(script: &[u8], block: usize) -> (Vec<Piece>, Option<Error>) {
        let mut lexer = Lexer::new();
        let mut pieces = Vec::new();
        for block in script.chunks(block.max(1)).map(Some).chain([None]) {
            match block {
                Some(block) => lexer.push(Bytes::copy_from_slice(block)),
                None => lexer.finish(),
            }
            loop {
                match lexer.cut() {
                    Ok(Some(piece)) => pieces.push(piece),
                    Ok(None) => break,
                    Err(error) => return (pieces, Some(error)),
                }
            }
        }
        assert_eq!(lexer.text.len(), 0, "something was not handed out");
        (pieces, None)
    }

    fn statements(script: &str) -> Vec<String> {
        let (pieces, error) = cut_all(script.as_bytes(), usize::MAX);
        assert!(error.is_none(), "{script}: {error:?}");
        let text = |piece| match piece {
            Piece::Statement(s) => Some(String::from_utf8(s.text.to_vec()).unwrap()),
            _ => None,
        };
        pieces.into_iter().filter_map(text).collect()
    }

    #[test]
    fn a_statement_is_not_cut_at_a_semicolon_within() {
        for statement in [
            "SELECT ';';",
            "SELECT 'it''s;';",
            "SELECT E'\\';', ';';",
            "SELECT U&'\\0061;' || u&\"d!0061;\" UESCAPE '!';",
            "SELECT \"a;\"\"b;\";",
            "SELECT b'1;', x'f;', n';';",
            "SELECT $$;$$, $a$;$$;$b$;$a$;",
            "SELECT $größe$;$größe$;",
            "SELECT a$b$;",
            "SELECT 1 /* ; /* ; */ ; */ + 1;",
            "SELECT 1 -- ;\n;",
            "SELECT 1 -- '\n;",
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT (2); );",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END;",
            "create or replace procedure \"p\"() begin atomic insert into t values (1); end;",
            "SELECT E'a\nb\\n;';",
            "SELECT 1 +-- ;\n 2;",
            "SELECT 1*/* ; */2;",
            "SELECT '\\';",
            "SELECT $1;",
            ";",
        ] {
            assert_eq!(statements(statement), [statement]);
            let twice = format!("{statement}\n  {statement}");
            assert_eq!(statements(&twice), [statement, statement]);
        }
    }

    #[test]
    fn begin_and_end_elsewhere_are_ordinary_words() {
        assert_eq!(statements("BEGIN;CREATE TABLE begin (a int);END;").len(), 3);
        assert_eq!(
            statements("CREATE FUNCTION f(a int[]) BEGIN ATOMIC SELECT a[1:begin]; END;SELECT 1;").len(),
            2
        );
        assert_eq!(
            statements("CREATE FUNCTION f() AS $$ begin; $$;SELECT 1;").len(),
            2
        );
    }

    #[test]
    fn a_backslash_in_a_string_follows_standard_conforming_strings() {
        let off = "SET standard_conforming_strings = off;SELECT 'a\\';';SET standard_conforming_strings TO on;SELECT '\\';";
        assert_eq!(statements(off).len(), 4);
        let mut lexer = Lexer::new().standard_conforming_strings(false);
        lexer.push(Bytes::from_static(b"SELECT 'a\\';';"));
        let piece = lexer.cut().unwrap().unwrap();
        assert_eq!(piece.bytes().len(), 14);
    }

    #[test]
    fn rows_go_through_untouched() {
        let script = "COPY public.t (a, \"from\") FROM stdin;\n1\t;\\\\.\n\\N\t'\n\\.\nSELECT 1;\n";
        let (pieces, error) = cut_all(script.as_bytes(), 7);
        assert!(error.is_none(), "{error:?}");
        let rows: Vec<u8> = pieces
            .iter()
            .filter(|p| matches!(p, Piece::Rows(_)))
            .flat_map(|p| p.bytes().to_vec())
            .collect();
        assert_eq!(rows, b"1\t;\\\\.\n\\N\t'\n");
        let Some(Piece::Statement(last)) = pieces.iter().rfind(|p| matches!(p, Piece::Statement(_))) else {
            panic!("no statement")
        };
        assert_eq!((&last.text[..], last.line), (&b"SELECT 1;"[..], 5));
    }

    #[test]
    fn only_copy_from_stdin_is_followed_by_rows() {
        for (statement, rows_follow) in [
            ("COPY t FROM stdin;", true),
            ("copy /* x */ t (a,b) from STDIN with (format csv);", true),
            ("COPY t FROM 'stdin';", false),
            ("COPY stdin FROM '/x';", false),
            ("COPY t FROM '/x' WHERE a IS DISTINCT FROM stdin;", false),
            ("COPY (SELECT 1 FROM stdin) TO stdout;", false),
            ("COMMENT ON TABLE t IS 'COPY t FROM stdin';", false),
        ] {
            let (pieces, _) = cut_all(statement.as_bytes(), 1000);
            let Some(Piece::Statement(s)) = pieces.first() else {
                panic!("no statement in {statement}")
            };
            assert_eq!(s.rows_follow, rows_follow, "{statement}");
        }
    }

    #[test]
    fn a_truncated_script_is_told_as_such() {
        for script in [
            "SELECT 1",
            "SELECT 'a;",
            "SELECT $$a;$",
            "COPY t FROM stdin;\n1\n",
            "COPY t FROM stdin;",
            "/* a ",
            "--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n",
        ] {
            let (_, error) = cut_all(script.as_bytes(), 1000);
            assert_eq!(error.map(|e| e.kind()), Some(Kind::Damaged), "{script}");
        }
        let whole = "-- PostgreSQL database dump\r\nSELECT 1;\n-- PostgreSQL database dump complete";
        assert_eq!(statements(whole).len(), 1);
    }

    #[test]
    fn meta_commands_are_found_and_refused() {
        for (script, line, name) in [
            ("SELECT 1;\n\n  \\! id\n", 3, "\\!"),
            ("SELECT 1\n\\g |sh\n", 2, "\\g"),
            ("-- x\r\\i y\n", 1, "\\i"),
            ("\\restrict k\n\\connect x\n", 2, "\\connect"),
            ("\\restrict k\n\\unrestrict j\n", 2, "\\unrestrict"),
            ("SELECT 1\\; SELECT 2;", 1, "\\;"),
        ] {
            let (_, error) = cut_all(script.as_bytes(), 3);
            let error = error.expect(script);
            assert_eq!(error.kind(), Kind::Script);
            assert!(error.message().starts_with(&format!("line {line}: ")), "{error}");
            assert!(error.message().contains(name), "{error}");
        }
    }

    #[test]
    fn a_dump_that_is_no_script_is_told_as_such() {
        for archive in [&b"PGDMP\x01\x0e\0\x04"[..], b"toc.dat\0\0\0\0\0"] {
            let (_, error) = cut_all(archive, 4);
            assert!(error.unwrap().hint_text().unwrap().contains("pg_restore"));
        }
    }

    fn fragments() -> impl Strategy<Value = Vec<u8>> {
        let fragment = prop_oneof![
            3 => prop::sample::select(vec![
                "'", "''", "\"", "\\", "$", "$$", "$a$", "$b", "a", "E'", "u&'", "U&\"", "b'", "n'", "x'", "--", "-", "/*",
                "*/", "/", "*", "\n", "\r", "\r\n", " ", ";", "(", ")", "begin", " end ", " case ", "create function f ",
                "create or replace procedure ", "copy t from stdin", ";\n", "\n\\.\n", "\\.", ":", "::", ":'a'", ":{?a}", ":b",
                "1", "1.5e+3", ".", "..", "set standard_conforming_strings=off;", "\\restrict k\n", "\u{feff}", "é",
                "-- PostgreSQL database dump\n",
            ]).prop_map(|s| s.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(fragment, 0..40).prop_map(|all| all.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_cut_joins_again_and_does_not_depend_on_the_blocks(script in fragments(), block in 1usize..9) {
            let (whole, error) = cut_all(&script, usize::MAX);
            let joined: Vec<u8> = whole.iter().flat_map(|p| p.bytes().to_vec()).collect();
            prop_assert!(script.starts_with(&joined));
            prop_assert!(error.is_some() || joined == script);
            let (parts, error_of_parts) = cut_all(&script, block);
            let exact = |pieces: &[Piece]| -> Vec<Piece> {
                pieces.iter().filter(|p| matches!(p, Piece::Statement(_) | Piece::Meta(_))).cloned().collect()
            };
            prop_assert_eq!(exact(&whole), exact(&parts));
            let whole_is_error = error.is_some();
            prop_assert_eq!(error.map(|e| e.to_string()), error_of_parts.map(|e| e.to_string()));
            let joined_parts: Vec<u8> = parts.iter().flat_map(|p| p.bytes().to_vec()).collect();
            prop_assert!(script.starts_with(&joined_parts));
            prop_assert!(whole_is_error || joined_parts == script);
        }
    }
}
