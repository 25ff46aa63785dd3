//! What sort of byte it is, as psql's scanner sorts them.

pub(super) const SPACE: u8 = 1;
pub(super) const WORD_START: u8 = 2;
pub(super) const WORD: u8 = 4;
/// Bytes that change nothing: operators but `-` and `/`, and so on.
pub(super) const DULL: u8 = 8;
pub(super) const DIGIT: u8 = 16;

const CLASS: [u8; 256] = {
    let mut table = [DULL; 256];
    let mut b = 0;
    while b < 256 {
        let c = b as u8;
        if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 {
            table[b] = WORD_START | WORD;
        } else if c.is_ascii_digit() {
            table[b] = WORD | DIGIT;
        } else {
            match c {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => table[b] = SPACE | DULL,
                b'$' => table[b] = WORD,
                b'\'' | b'"' | b'-' | b'/' | b'(' | b')' | b';' | b'\\' | b':' | b'.' => table[b] = 0,
                _ => {}
            }
        }
        b += 1;
    }
    table
};

pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// White space as psql's scanner knows it.
pub(super) fn is_space(byte: u8) -> bool {
    is(byte, SPACE)
}

/// The first position from `at` whose byte is not of the class.
pub(super) fn skip(text: &[u8], at: usize, class: u8) -> usize {
    text[at..]
        .iter()
        .position(|&b| !is(b, class))
        .map_or(text.len(), |n| at + n)
}
