//! Bytes that are not UTF-8, as text and back without a loss.
//!
//! A database without an encoding (`SQL_ASCII`) may have names, comments, defaults and bodies of functions in any bytes,
//! LATIN1's beside UTF-8's. Such a byte becomes a character that nobody writes, U+10FF00 plus the byte, so that text is
//! text everywhere in between; [`to_bytes`] gives the byte back wherever text leaves the program for a server or a dump.
//! Python does the same with lone surrogates (PEP 383), which Rust's strings cannot hold.
//!
//! Text that is UTF-8 stays what it is, except that those characters themselves are taken apart into their four bytes:
//! so `to_bytes(of_bytes(b))` is `b`, whatever `b`.

use std::borrow::Cow;

/// What a byte is added to; bytes below 0x80 are always ASCII.
const BASE: u32 = 0x10_FF00;

/// What the UTF-8 of U+10FF80 to U+10FFFF begins with.
const LEAD: [u8; 2] = [0xF4, 0x8F];

/// Whether text of these bytes has a character that stands for a byte.
fn has_escape(bytes: &[u8]) -> bool {
    memchr::memchr_iter(LEAD[0], bytes).any(|at| is_escape(&bytes[at..]))
}

fn is_escape(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && bytes[..2] == LEAD && matches!(bytes[2], 0xBE | 0xBF)
}

fn character(byte: u8) -> char {
    char::from_u32(BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for.
fn byte(c: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(c).checked_sub(BASE)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

/// Text in which each byte that is not UTF-8 is a character.
pub fn of_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !has_escape(bytes) => return Cow::Borrowed(text),
        _ => {}
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte(c) {
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(character)),
                None => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().map(|&b| character(b)));
    }
    Cow::Owned(text)
}

/// The bytes of such a text.
pub fn to_bytes(text: &str) -> Cow<'_, [u8]> {
    if has_escape(text.as_bytes()) {
        Cow::Owned(unescaped(text.as_bytes()))
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

/// The bytes of such a text that is part of something else; `None` where they are the text itself.
pub fn within(bytes: &[u8]) -> Option<Vec<u8>> {
    has_escape(bytes).then(|| unescaped(bytes))
}

fn unescaped(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(at) = memchr::memchr(LEAD[0], bytes) {
        out.extend_from_slice(&bytes[..at]);
        bytes = &bytes[at..];
        if is_escape(bytes) {
            // The third byte is 0xBE for 0x80 to 0xBF and 0xBF for 0xC0 to 0xFF.
            out.push(bytes[3] + if bytes[2] == 0xBF { 0x40 } else { 0 });
            bytes = &bytes[4..];
        } else {
            out.push(bytes[0]);
            bytes = &bytes[1..];
        }
    }
    out.extend_from_slice(bytes);
    out
}

/// Such a text for people: the bytes in hexadecimal.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !has_escape(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => shown.push_str(&format!("\\x{byte:02x}")),
            None => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back_as_they_were() {
        let all: Vec<u8> = (0..=255).collect();
        let cases: [&[u8]; 8] = [
            b"",
            b"plain",
            "größe 😀".as_bytes(),
            b"gr\xf6\xdfe",
            b"\xc3",
            b"\xff\x80 \xf4\x8f\xbf",
            "\u{10FF80}\u{10FFBF}\u{10FFC0}\u{10FFFF}\u{10FF7F}".as_bytes(),
            &all,
        ];
        for bytes in cases {
            let text = of_bytes(bytes);
            assert_eq!(to_bytes(&text), bytes, "{text:?}");
            assert_eq!(
                within(text.as_bytes()).as_deref().unwrap_or(text.as_bytes()),
                bytes
            );
        }
    }

    #[test]
    fn every_pair_and_triple_of_high_bytes_comes_back() {
        for a in 0x7F..=0xFF_u8 {
            for b in 0x7F..=0xFF_u8 {
                for bytes in [
                    vec![a, b],
                    vec![a, b, 0x80],
                    vec![0xF4, 0x8F, a, b],
                    vec![b'"', a, b, b'"'],
                ] {
                    assert_eq!(to_bytes(&of_bytes(&bytes)), bytes);
                }
            }
        }
    }

    #[test]
    fn utf_8_stays_readable_and_other_bytes_are_told() {
        assert_eq!(of_bytes("größe".as_bytes()), "größe");
        assert_eq!(shown(&of_bytes(b"gr\xf6\xc3\x9fe")), "gr\\xf6ße");
        assert_eq!(shown("größe"), "größe");
    }
}
