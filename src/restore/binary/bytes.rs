//! Text, bytes and UUIDs.

use super::{close, open, put};

/// Text with its escapes undone, behind `head`.
#[inline]
pub(super) fn text(text: &mut &[u8], head: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let end = memchr::memchr3(b'\t', b'\n', b'\\', text)?;
    let (run, rest) = text.split_at(end);
    if rest[0] == b'\\' {
        return escaped(text, end, head, out);
    }
    let length = i32::try_from(head.len() + run.len()).ok()?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(run);
    *text = rest;
    Some(())
}

/// Text whose first backslash stands at `at`.
fn escaped(text: &mut &[u8], mut at: usize, head: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = open(out);
    out.extend_from_slice(head);
    let mut left = *text;
    loop {
        let (run, rest) = left.split_at(at);
        out.extend_from_slice(run);
        let [b'\\', escape, rest @ ..] = rest else {
            *text = rest;
            return close(start, out);
        };
        out.push(unescape(*escape)?);
        left = rest;
        at = memchr::memchr3(b'\t', b'\n', b'\\', left)?;
    }
}

/// The byte that COPY writes so; it knows more than it writes.
fn unescape(escape: u8) -> Option<u8> {
    Some(match escape {
        b'\\' => b'\\',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// Bytes in hexadecimal; their own backslash is escaped.
pub(super) fn bytea(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let hex = text.strip_prefix(br"\\x")?;
    let (digits, rest) = hex.split_at(memchr::memchr2(b'\t', b'\n', hex)?);
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let length = i32::try_from(pairs.len()).ok()?;
    out.extend_from_slice(&length.to_be_bytes());
    let start = out.len();
    let mut wrong = 0;
    out.extend(pairs.iter().map(|&[high, low]| {
        let (high, low) = (nibble(high), nibble(low));
        wrong |= high | low;
        high << 4 | low & 0x0f
    }));
    debug_assert_eq!(out.len() - start, pairs.len());
    *text = rest;
    (wrong & 0xf0 == 0).then_some(())
}

/// The value of a hexadecimal digit in lower case; over 15 if it is none.
#[inline]
fn nibble(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    // No branch, so that the compiler can do many at once.
    let number = if number < 10 { number } else { 0xff };
    let letter = if letter < 6 { letter + 10 } else { 0xff };
    number & letter
}

/// `00112233-4455-6677-8899-aabbccddeeff`
pub(super) fn uuid(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (digits, rest) = text.split_first_chunk::<36>()?;
    let (mut value, mut wrong) = ([0; 16], 0);
    for (byte, at) in value
        .iter_mut()
        .zip([0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34])
    {
        let (high, low) = (nibble(digits[at]), nibble(digits[at + 1]));
        wrong |= high | low;
        *byte = high << 4 | low & 0x0f;
    }
    let dashes = [8, 13, 18, 23].iter().all(|&at| digits[at] == b'-');
    *text = rest;
    put(value, out);
    (dashes && wrong & 0xf0 == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Put = fn(&mut &[u8], &mut Vec<u8>) -> Option<()>;

    fn converted(put: Put, value: &[u8]) -> Option<Vec<u8>> {
        let line = [value, b"\n"].concat();
        let (mut text, mut out) = (&line[..], Vec::new());
        put(&mut text, &mut out)?;
        (text == b"\n").then(|| out.split_off(4))
    }

    #[test]
    fn every_escape_that_copy_writes_is_undone() {
        let plain: Put = |t, out| super::text(t, &[], out);
        for (escaped, want) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"", b""),
            (br"\b\f\n\r\t\v\\", b"\x08\x0c\n\r\t\x0b\\"),
            (br"a\\N", br"a\N"),
            (br"\\\\", br"\\"),
            (b"a\x01\x7f\xff\\n", b"a\x01\x7f\xff\n"),
        ] {
            assert_eq!(converted(plain, escaped).as_deref(), Some(want), "{escaped:?}");
        }
        for escape in (0..=255u8).filter(|b| !br"bfnrtv\".contains(b)) {
            assert_eq!(converted(plain, &[b'a', b'\\', escape, b'a']), None, "{escape}");
        }
    }

    #[test]
    fn only_hexadecimal_in_lower_case_is_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        let hex: String = all.iter().map(|b| format!("{b:02x}")).collect();
        let text = format!(r"\\x{hex}");
        assert_eq!(converted(bytea, text.as_bytes()), Some(all));
        assert_eq!(converted(bytea, br"\\x"), Some(vec![]));
        for byte in (0..=255u8).filter(|b| !b"0123456789abcdef\t\n".contains(b)) {
            for pair in [[byte, b'0'], [b'0', byte]] {
                let text = [&br"\\x41"[..], &pair].concat();
                assert_eq!(converted(bytea, &text), None, "{byte}");
            }
        }
        for wrong in [&br"\\x4"[..], br"\x41", b"abc", br"\\000", b"", br"\\X41"] {
            assert_eq!(converted(bytea, wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn only_the_one_form_of_a_uuid_is_taken() {
        let text = b"00112233-4455-6677-8899-aabbccddeeff";
        let want: Vec<u8> = (0..16).map(|n| n * 17).collect();
        assert_eq!(converted(uuid, text), Some(want));
        for wrong in [
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeefff",
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            "0011223304455-6677-8899-aabbccddeeff",
            "{0112233-4455-6677-8899-aabbccddeef}",
            "00112233445566778899aabbccddeeff",
        ] {
            assert_eq!(converted(uuid, wrong.as_bytes()), None, "{wrong}");
        }
    }
}
