//! Where a statement ends: psql's scanner (`psqlscan.l` of PostgreSQL 18) as a state machine that can stop at any byte.
//!
//! Tokens that need looking ahead (words, dollar tags, the byte after a quote) are scanned anew from their first byte
//! when more of the text has arrived; long ones (strings, bodies, comments) are resumed where they were left.

use memchr::{memchr, memchr2, memmem};

use super::class::{DIGIT, DULL, SPACE, WORD, WORD_START, is, skip};
use super::inside::{Inside, dollar_tag, skip_comment};

/// A word or tag that is not over after so many bytes is no SQL. Bounds the cost of scanning it anew.
const WORD_LIMIT: usize = 1 << 20;

/// Where the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// After the semicolon that ends the statement.
    Semicolon,
    /// At a backslash outside of quotes: a meta-command.
    Backslash,
    /// The text is used up and the statement goes on.
    More,
    /// At a word or tag longer than any.
    EndlessWord,
}

/// How far a statement looks like `COPY ... FROM stdin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    /// Nothing read yet.
    Start,
    /// `COPY` was the first word, its first FROM is to come.
    Verb,
    /// FROM was the last token.
    From,
    /// Rows follow the statement.
    Stdin,
    /// Not such a statement.
    Other,
}

/// The scanner's state within one statement.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    /// What it is inside of.
    pub(super) inside: Inside,
    /// Whether a backslash in `'...'` is an ordinary character.
    pub(super) standard_strings: bool,
    /// Whether the second byte of a letter can be a backslash, as in SJIS.
    pub(super) wide: bool,
    /// Where the names are that psql would look up among its variables, if anyone wants to know.
    pub(super) variables: Option<Vec<(usize, usize)>>,
    parens: u32,
    /// Depth of `BEGIN ... END` and, within, `CASE ... END`.
    begins: u32,
    /// Initials of the first four words if they are CREATE, OR, REPLACE, FUNCTION, PROCEDURE: psql's own heuristic.
    initials: [u8; 4],
    words: u32,
    copy: Copy,
}

impl Scanner {
    pub(super) fn new() -> Self {
        Scanner {
            inside: Inside::Statement,
            standard_strings: true,
            wide: false,
            variables: None,
            parens: 0,
            begins: 0,
            initials: [0; 4],
            words: 0,
            copy: Copy::Start,
        }
    }

    /// Forgets the statement, keeps the session's state.
    pub(super) fn reset(&mut self) {
        *self = Scanner {
            standard_strings: self.standard_strings,
            wide: self.wide,
            ..Scanner::new()
        };
    }

    /// Whether the statement just ended is followed by rows.
    pub(super) fn is_copy_from_stdin(&self) -> bool {
        self.copy == Copy::Stdin
    }

    /// Scans the statement `text` on from `at`; `last` means that nothing follows the text. Returns why it stopped
    /// and where to go on.
    pub(super) fn scan(&mut self, text: &[u8], mut at: usize, last: bool) -> (Stop, usize) {
        while at < text.len() {
            let (stop, next) = match self.inside {
                Inside::Statement => self.tokens(text, at, last),
                _ => self.body(text, at, last),
            };
            at = next;
            if let Some(stop) = stop {
                return (stop, at);
            }
        }
        (Stop::More, at)
    }

    /// Goes on in a string, a quoted name or a comment; back to [Inside::Statement] after its end.
    fn body(&mut self, text: &[u8], at: usize, last: bool) -> (Option<Stop>, usize) {
        let rest = &text[at..];
        let more = (Some(Stop::More), text.len());
        match self.inside {
            Inside::Statement => (None, at),
            Inside::Plain | Inside::Unicode | Inside::Bits => match memchr(b'\'', rest) {
                Some(n) => self.quote(text, at + n, last),
                None => more,
            },
            Inside::Escape if self.wide => self.wide_escapes(text, at, last),
            Inside::Escape => match memchr2(b'\'', b'\\', rest) {
                Some(n) if rest[n] == b'\'' => self.quote(text, at + n, last),
                Some(n) if n + 1 < rest.len() => (None, at + n + 2),
                Some(n) if !last => (Some(Stop::More), at + n),
                _ => more,
            },
            Inside::Name => match memchr(b'"', rest) {
                Some(n) if rest.get(n + 1) == Some(&b'"') => (None, at + n + 2),
                Some(n) if n + 1 == rest.len() && !last => (Some(Stop::More), at + n),
                Some(n) => self.leave(at + n + 1),
                None => more,
            },
            Inside::Dollar { tag } => {
                let delimiter = &text[tag.0..tag.1];
                match memmem::find(rest, delimiter) {
                    Some(n) => self.leave(at + n + delimiter.len()),
                    None => (
                        Some(Stop::More),
                        at.max(text.len() - (delimiter.len() - 1).min(rest.len())),
                    ),
                }
            }
            Inside::Comment { depth } => match skip_comment(text, at, depth, last) {
                Ok(end) => self.leave(end),
                Err((depth, at)) => {
                    self.inside = Inside::Comment { depth };
                    (Some(Stop::More), at)
                }
            },
            Inside::Line => match memchr2(b'\n', b'\r', rest) {
                Some(n) => self.leave(at + n),
                None => more,
            },
        }
    }

    /// Goes on in a string with backslashes whose letters may have one for their second byte.
    fn wide_escapes(&mut self, text: &[u8], mut at: usize, last: bool) -> (Option<Stop>, usize) {
        while at < text.len() {
            let length = match text[at] {
                b'\'' => return self.quote(text, at, last),
                0x80.. => 2,
                // What is escaped may be such a letter, too.
                b'\\' if text.get(at + 1).is_some_and(|b| *b >= 0x80) => 3,
                b'\\' => 2,
                _ => 1,
            };
            if at + length > text.len() && !last {
                return (Some(Stop::More), at);
            }
            at += length;
        }
        (Some(Stop::More), text.len())
    }

    fn leave(&mut self, at: usize) -> (Option<Stop>, usize) {
        self.inside = Inside::Statement;
        (None, at)
    }

    /// A quote in a string: doubled, or its end, or, as psql has it, its end with more of it to come after a carriage
    /// return on the same line. (After a line feed the standard lets a string go on, too. psql, which scans line by
    /// line, does not see that; what follows is a new `'...'` for it, and so for us.)
    fn quote(&mut self, text: &[u8], at: usize, last: bool) -> (Option<Stop>, usize) {
        let after = at + 1;
        if text.get(after) == Some(&b'\'') && self.inside != Inside::Bits {
            return (None, at + 2);
        }
        let mut next = after;
        let mut carriage_return = false;
        while let Some(&b) = text.get(next) {
            match b {
                b'\r' => carriage_return = true,
                b' ' | b'\t' | 0x0b | 0x0c => {}
                b'\'' if carriage_return => return (None, next + 1),
                _ => break,
            }
            next += 1;
        }
        if next == text.len() && !last && next - at < WORD_LIMIT {
            return (Some(Stop::More), at);
        }
        self.leave(after)
    }

    /// Scans tokens until the statement ends, a body begins or the text is used up.
    fn tokens(&mut self, text: &[u8], mut at: usize, last: bool) -> (Option<Stop>, usize) {
        while let Some(&byte) = text.get(at) {
            if is(byte, DULL) {
                if !is(byte, SPACE) {
                    self.other();
                }
                at += 1;
                continue;
            }
            let next = text.get(at + 1).copied();
            // One byte ahead decides about all of these; at the very end it is as if a blank followed.
            if next.is_none() && !last && !matches!(byte, b'(' | b')' | b';' | b'\\' | b'"' | b'\'') {
                return (Some(Stop::More), at);
            }
            match byte {
                _ if is(byte, WORD_START) => match self.word(text, at, last) {
                    Ok(end) => {
                        at = end;
                        if self.inside != Inside::Statement {
                            return (None, at);
                        }
                    }
                    Err(stop) => return (Some(stop), at),
                },
                _ if is(byte, DIGIT) || (byte == b'.' && next.is_some_and(|b| is(b, DIGIT))) => {
                    match self.number(text, at, last) {
                        Ok(end) => at = end,
                        Err(stop) => return (Some(stop), at),
                    }
                }
                b'\'' => {
                    self.other();
                    let inside = if self.standard_strings {
                        Inside::Plain
                    } else {
                        Inside::Escape
                    };
                    return self.enter(inside, at + 1);
                }
                b'"' => {
                    self.other();
                    return self.enter(Inside::Name, at + 1);
                }
                b'$' => {
                    self.other();
                    match self.dollar(text, at, last) {
                        Ok(end) => {
                            at = end;
                            if self.inside != Inside::Statement {
                                return (None, at);
                            }
                        }
                        Err(stop) => return (Some(stop), at),
                    }
                }
                b'-' if next == Some(b'-') => return self.enter(Inside::Line, at + 2),
                b'/' if next == Some(b'*') => return self.enter(Inside::Comment { depth: 1 }, at + 2),
                b'(' => {
                    self.other();
                    self.parens += 1;
                    at += 1;
                }
                b')' => {
                    self.other();
                    self.parens = self.parens.saturating_sub(1);
                    at += 1;
                }
                b';' => {
                    at += 1;
                    if self.parens == 0 && self.begins == 0 {
                        return (Some(Stop::Semicolon), at);
                    }
                    self.other();
                }
                b'\\' => return (Some(Stop::Backslash), at),
                b':' => {
                    self.other();
                    match self.colon(text, at, last) {
                        Ok(end) => at = end,
                        Err(stop) => return (Some(stop), at),
                    }
                }
                _ => {
                    self.other();
                    at += 1;
                }
            }
        }
        (None, at)
    }

    fn enter(&mut self, inside: Inside, at: usize) -> (Option<Stop>, usize) {
        self.inside = inside;
        (None, at)
    }

    /// A token that is no unquoted word.
    fn other(&mut self) {
        if matches!(self.copy, Copy::Start | Copy::From) {
            self.copy = Copy::Other;
        }
    }

    /// A word, or the prefix of a string. Returns its end.
    fn word(&mut self, text: &[u8], at: usize, last: bool) -> Result<usize, Stop> {
        let end = skip(text, at, WORD);
        if end == text.len() && !last {
            return Err(if end - at > WORD_LIMIT {
                Stop::EndlessWord
            } else {
                Stop::More
            });
        }
        if end == at + 1 {
            let inside = match (text[at] | 0x20, text.get(end)) {
                (b'e', Some(b'\'')) => Some((Inside::Escape, end + 1)),
                (b'b' | b'x', Some(b'\'')) => Some((Inside::Bits, end + 1)),
                // The quote that follows begins an ordinary string.
                (b'n', Some(b'\'')) => Some((Inside::Statement, end)),
                (b'u', Some(b'&')) => match text.get(end + 1) {
                    Some(b'\'') => Some((Inside::Unicode, end + 2)),
                    Some(b'"') => Some((Inside::Name, end + 2)),
                    None if !last => return Err(Stop::More),
                    _ => None,
                },
                _ => None,
            };
            if let Some((inside, at)) = inside {
                self.other();
                self.inside = inside;
                return Ok(at);
            }
        }
        self.note_word(&text[at..end]);
        Ok(end)
    }

    fn note_word(&mut self, word: &[u8]) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        let order = self.words;
        self.words = self.words.saturating_add(1);
        if let Some(initial) = self.initials.get_mut(order as usize)
            && ["create", "function", "procedure", "or", "replace"]
                .into_iter()
                .any(is)
        {
            *initial = word[0].to_ascii_lowercase();
        }
        self.copy = match self.copy {
            Copy::Start if order == 0 && is("copy") => Copy::Verb,
            Copy::Verb if self.parens == 0 && is("from") => Copy::From,
            Copy::From if is("stdin") || is("stdout") => Copy::Stdin,
            Copy::Start | Copy::From => Copy::Other,
            unchanged => unchanged,
        };
        if self.parens == 0
            && matches!(
                &self.initials,
                [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']
            )
        {
            if is("begin") || (self.begins > 0 && is("case")) {
                self.begins += 1;
            } else if is("end") {
                self.begins = self.begins.saturating_sub(1);
            }
        }
    }

    /// A number with whatever letters are stuck to it. Returns its end.
    fn number(&mut self, text: &[u8], at: usize, last: bool) -> Result<usize, Stop> {
        self.other();
        let mut end = skip(text, at, DIGIT);
        // `1..2` is two numbers with two dots between.
        if text.get(end) == Some(&b'.') && text.get(end + 1) != Some(&b'.') {
            end = skip(text, end + 1, DIGIT);
        }
        if text.get(end).is_some_and(|&b| is(b, WORD_START)) {
            end = skip(text, end, WORD);
        }
        if end + 1 >= text.len() && !last {
            return Err(if end - at > WORD_LIMIT {
                Stop::EndlessWord
            } else {
                Stop::More
            });
        }
        Ok(end)
    }

    /// `$1`, or the beginning of a dollar-quoted string, or a `$` by itself. Returns its end.
    fn dollar(&mut self, text: &[u8], at: usize, last: bool) -> Result<usize, Stop> {
        if text.get(at + 1).is_some_and(|&b| is(b, DIGIT)) {
            let digits = skip(text, at + 1, DIGIT);
            let junk = text.get(digits).is_some_and(|&b| is(b, WORD_START));
            let end = if junk { skip(text, digits, WORD) } else { digits };
            return if end == text.len() && !last {
                Err(Stop::More)
            } else {
                Ok(end)
            };
        }
        if let Some(end) = dollar_tag(text, at) {
            self.inside = Inside::Dollar { tag: (at, end) };
            return Ok(end);
        }
        let end = skip(text, at + 1, WORD);
        if end == text.len() && !last {
            return Err(if end - at > WORD_LIMIT {
                Stop::EndlessWord
            } else {
                Stop::More
            });
        }
        Ok(at + 1)
    }

    /// `:` or `::` or what psql takes for a variable: `:name`, `:'name'`, `:"name"`, `:{?name}`. Returns its end.
    /// The name counts as no word of the statement (`array[1:begin]`).
    fn colon(&mut self, text: &[u8], at: usize, last: bool) -> Result<usize, Stop> {
        let (start, close) = match text.get(at + 1) {
            Some(b':' | b'=') => return Ok(at + 2),
            Some(quote @ (b'\'' | b'"')) => (at + 2, Some(*quote)),
            Some(b'{') if at + 2 == text.len() && !last => return Err(Stop::More),
            Some(b'{') if text.get(at + 2) == Some(&b'?') => (at + 3, Some(b'}')),
            _ => (at + 1, None),
        };
        let end = start
            + text[start..]
                .iter()
                .take_while(|&&b| b != b'$' && is(b, WORD))
                .count();
        if end == text.len() && !last {
            return Err(if end - at > WORD_LIMIT {
                Stop::EndlessWord
            } else {
                Stop::More
            });
        }
        if end == start || (close.is_some() && text.get(end).copied() != close) {
            return Ok(at + 1);
        }
        if let Some(variables) = &mut self.variables {
            variables.push((start, end));
        }
        Ok(end + usize::from(close.is_some()))
    }
}
