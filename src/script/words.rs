//! The first words of a statement, for those who must know what it does: enough to tell a SET, a COPY or a COMMIT,
//! not a parser.

use std::borrow::Cow;
use std::ops::Range;

use super::class::is_space;
use super::inside::skip_comment;

/// A token of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<'a> {
    /// A bare word or number, as it stands.
    Bare(&'a [u8]),
    /// A quoted name, without its quotes.
    Name(Cow<'a, [u8]>),
    /// A string in single quotes, without them. Escapes of `E''` are left as they are.
    Text(Cow<'a, [u8]>),
    /// Any other byte.
    Other(u8),
}

impl Word<'_> {
    /// Whether it is this key word (given in lower case).
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Word::Bare(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    /// The name it means, if it can be one: bare words are folded to lower case.
    pub fn name(&self) -> Option<Vec<u8>> {
        match self {
            Word::Bare(word) => Some(word.to_ascii_lowercase()),
            Word::Name(name) => Some(name.to_vec()),
            _ => None,
        }
    }
}

/// The tokens of a statement, comments left out. An iterator: take only what is needed.
pub fn words(statement: &[u8]) -> impl Iterator<Item = Word<'_>> {
    words_at(statement).map(|(_, word)| word)
}

/// The tokens of a statement with where they stand in it. Of a string in the form `E''` the end is found by its escapes,
/// too.
pub fn words_at(statement: &[u8]) -> impl Iterator<Item = (Range<usize>, Word<'_>)> {
    let mut rest = statement;
    let mut escapes = false;
    std::iter::from_fn(move || {
        let before = rest.len();
        rest = skip_gap(rest);
        let at = statement.len() - rest.len();
        let (word, after) = match rest.first()? {
            b'\'' if escapes && before == rest.len() => escaped(rest),
            _ => first(rest)?,
        };
        escapes = matches!(word, Word::Bare(b"e" | b"E"));
        rest = after;
        Some((at..statement.len() - rest.len(), word))
    })
}

/// A string with escapes: as it stands, without its quotes.
fn escaped(text: &[u8]) -> (Word<'_>, &[u8]) {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'\'' if text.get(at + 1) == Some(&b'\'') => at += 1,
            b'\'' => return (Word::Text(Cow::Borrowed(&text[1..at])), &text[at + 1..]),
            _ => {}
        }
        at += 1;
    }
    (Word::Text(Cow::Borrowed(&text[1..])), &[])
}

/// What stands after so many tokens.
pub fn skip_words(statement: &[u8], count: usize) -> &[u8] {
    let last = words_at(statement).take(count).last();
    &statement[last.map_or(0, |(range, _)| range.end)..]
}

/// The text without the white space and comments it begins with.
fn skip_gap(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b, rest @ ..] if is_space(*b) => rest,
            [b'-', b'-', rest @ ..] => {
                let end = rest
                    .iter()
                    .position(|b| matches!(b, b'\n' | b'\r'))
                    .unwrap_or(rest.len());
                &rest[end..]
            }
            [b'/', b'*', ..] => match skip_comment(text, 2, 1, true) {
                Ok(end) => &text[end..],
                Err(_) => &[],
            },
            _ => return text,
        };
    }
}

fn first(text: &[u8]) -> Option<(Word<'_>, &[u8])> {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$') || *b >= 0x80;
    match *text.first()? {
        b'"' => {
            let (name, rest) = quoted(&text[1..], b'"');
            Some((Word::Name(name), rest))
        }
        b'\'' => {
            let (string, rest) = quoted(&text[1..], b'\'');
            Some((Word::Text(string), rest))
        }
        ref b if is_word(b) => {
            let end = text.iter().position(|b| !is_word(b)).unwrap_or(text.len());
            Some((Word::Bare(&text[..end]), &text[end..]))
        }
        b => Some((Word::Other(b), &text[1..])),
    }
}

/// Up to the closing quote, doubled ones made single; and what follows.
fn quoted(text: &[u8], quote: u8) -> (Cow<'_, [u8]>, &[u8]) {
    let mut out = Cow::Borrowed(&text[..0]);
    let mut rest = text;
    loop {
        let end = memchr::memchr(quote, rest).unwrap_or(rest.len());
        match &mut out {
            Cow::Borrowed(_) if rest.len() == text.len() => out = Cow::Borrowed(&rest[..end]),
            out => out.to_mut().extend_from_slice(&rest[..end]),
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        if rest.first() != Some(&quote) {
            return (out, rest);
        }
        out.to_mut().push(quote);
        rest = &rest[1..];
    }
}

/// The setting and its value if the statement is `SET [SESSION | LOCAL] name { = | TO } value`, both in lower case;
/// `SET NAMES` counts as `client_encoding`, and RESET gives the value `default`.
pub fn setting(statement: &[u8]) -> Option<(String, String)> {
    let text = |word: Word<'_>| match word {
        Word::Bare(text) => Some(String::from_utf8_lossy(text).to_ascii_lowercase()),
        Word::Name(text) | Word::Text(text) => Some(String::from_utf8_lossy(&text).to_ascii_lowercase()),
        Word::Other(_) => None,
    };
    let mut words = words(statement);
    let verb = words.next()?;
    if verb.is("reset") {
        return Some((text(words.next()?)?, "default".into()));
    }
    if !verb.is("set") {
        return None;
    }
    let mut name = words.next()?;
    if name.is("session") || name.is("local") {
        name = words.next()?;
    }
    if name.is("names") {
        return Some(("client_encoding".into(), text(words.next()?)?));
    }
    let name = text(name)?;
    let sign = words.next()?;
    (sign == Word::Other(b'=') || sign.is("to")).then_some(())?;
    Some((name, text(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_recognised_in_every_spelling() {
        for (text, want) in [
            (
                "SET client_encoding = 'LATIN1';",
                Some(("client_encoding", "latin1")),
            ),
            (
                "set session client_encoding to utf8;",
                Some(("client_encoding", "utf8")),
            ),
            ("SET NAMES 'WIN1252';", Some(("client_encoding", "win1252"))),
            (
                "/* x */ SET -- y\n LOCAL \"client_encoding\"='a';",
                Some(("client_encoding", "a")),
            ),
            ("RESET client_encoding;", Some(("client_encoding", "default"))),
            (
                "SET standard_conforming_strings = on;",
                Some(("standard_conforming_strings", "on")),
            ),
            ("SET;", None),
            ("SELECT set = 1;", None),
        ] {
            let want = want.map(|(a, b)| (a.to_string(), b.to_string()));
            assert_eq!(setting(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn quotes_within_names_are_undone() {
        let all: Vec<_> = words(b"copy \"a\"\"b\".\"\"\"\" ('it''s')").collect();
        assert_eq!(all[1], Word::Name(Cow::Borrowed(b"a\"b")));
        assert_eq!(all[3], Word::Name(Cow::Borrowed(b"\"")));
        assert_eq!(all[5], Word::Text(Cow::Borrowed(b"it's")));
    }
}
