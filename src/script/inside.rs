//! What a place in a statement can be inside of, and where that ends.

use memchr::memchr2;

use super::class::{WORD, WORD_START, is};

/// What the scanner is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// Nothing: between tokens.
    Statement,
    /// `'...'`
    Plain,
    /// `E'...'`, or `'...'` while `standard_conforming_strings` is off.
    Escape,
    /// `U&'...'`
    Unicode,
    /// `b'...'` and `x'...'`, where a quote is never doubled.
    Bits,
    /// `"..."`
    Name,
    /// `$tag$...`; the opening tag is the statement's bytes `tag.0..tag.1`.
    Dollar { tag: (usize, usize) },
    /// `/* ...`, nested so deep.
    Comment { depth: u32 },
    /// `-- ...`
    Line,
}

impl Inside {
    /// For messages: "in the middle of ...".
    pub(super) fn describe(self) -> &'static str {
        match self {
            Inside::Statement => "a statement",
            Inside::Plain | Inside::Escape | Inside::Unicode | Inside::Bits => "a quoted string",
            Inside::Name => "a quoted name",
            Inside::Dollar { .. } => "a dollar-quoted string",
            Inside::Comment { .. } => "a comment",
            Inside::Line => "a statement",
        }
    }
}

/// Past the end of a block comment that is `depth` deep at `at`, or the depth reached and where to go on.
pub(super) fn skip_comment(
    text: &[u8],
    mut at: usize,
    mut depth: u32,
    last: bool,
) -> Result<usize, (u32, usize)> {
    loop {
        let Some(n) = memchr2(b'*', b'/', &text[at..]) else {
            return Err((depth, text.len()));
        };
        at += n;
        match (text[at], text.get(at + 1)) {
            (_, None) => return Err((depth, if last { at + 1 } else { at })),
            (b'*', Some(b'/')) => {
                at += 2;
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            (b'/', Some(b'*')) => {
                at += 2;
                depth += 1;
            }
            _ => at += 1,
        }
    }
}

/// Past the end of a dollar tag that begins at `at`, if there is a whole one.
pub(super) fn dollar_tag(text: &[u8], at: usize) -> Option<usize> {
    let end = match text.get(at + 1) {
        Some(&b) if is(b, WORD_START) => text[at + 1..]
            .iter()
            .position(|&b| b == b'$' || !is(b, WORD))
            .map_or(text.len(), |n| at + 1 + n),
        _ => at + 1,
    };
    (text.get(end) == Some(&b'$')).then_some(end + 1)
}
