//! The last 64 KiB of a text, and where in it bytes are equal.

use super::symbols::MAX_MATCH;
use super::token::STRIDE;

/// Bytes the window holds: as many as there are positions.
const POSITIONS: usize = 65_536;
/// The first bytes of the window stand behind its end again, for reads that cross it.
const MIRRORED: usize = 32;
/// Text enters the window in chunks of this size, small ones, so that they are still in the cache when parsed.
const CHUNK: usize = 4_096;
/// Matches are first compared up to this length without a branch.
const NEAR: usize = 24;

/// The text around a parser's place.
///
/// Positions are `u16` and the window holds 65,536 bytes, so positions wrap as the window does, and reading at any of
/// them needs no check. Behind the text that entered last stands what entered 64 KiB before.
pub(super) struct Window {
    bytes: [u8; POSITIONS + MIRRORED],
}

impl Window {
    pub(super) fn new() -> Self {
        Window {
            bytes: [0; POSITIONS + MIRRORED],
        }
    }

    /// Forgets all text.
    pub(super) fn reset(&mut self) {
        self.bytes.fill(0);
    }

    /// Lets the text up to `end` enter, of which `entered` bytes have, or one chunk of it; gives back how much has then.
    #[cold]
    pub(super) fn enter(&mut self, text: &[u8], entered: usize, end: usize) -> usize {
        let to = end.min((entered / CHUNK + 1) * CHUNK);
        let (chunk, offset) = (&text[entered..to], entered % POSITIONS);
        self.bytes[offset..offset + chunk.len()].copy_from_slice(chunk);
        if offset < MIRRORED {
            self.bytes.copy_within(..MIRRORED, POSITIONS);
        }
        to
    }

    /// The eight bytes that begin `ahead` of a position.
    #[inline(always)]
    pub(super) fn word(&self, position: u16, ahead: usize) -> u64 {
        let bytes = self.bytes[usize::from(position) + ahead..].first_chunk();
        u64::from_le_bytes(*bytes.expect("the window goes on behind its last position"))
    }

    /// The bytes at a position, in which literals are, if they are few.
    #[inline(always)]
    pub(super) fn literals(&self, position: u16) -> &[u8; STRIDE] {
        let bytes = self.bytes[usize::from(position)..].first_chunk();
        bytes.expect("the window goes on behind its last position")
    }

    /// The length of a match of `known` bytes (eight standing for eight or more), up to 258 or a little more.
    #[inline(always)]
    pub(super) fn match_length(&self, position: u16, distance: u16, known: usize) -> usize {
        let candidate = position.wrapping_sub(distance);
        let equal = |ahead| equal_bytes(self.word(position, ahead), self.word(candidate, ahead));
        let (second, third) = (equal(8), equal(16));
        let behind = second + if second == 8 { third } else { 0 };
        let near = known + if known == 8 { behind } else { 0 };
        if near == NEAR {
            self.far_length(position, distance)
        } else {
            near
        }
    }

    /// The length of a match of at least [`NEAR`] bytes.
    #[inline(always)]
    fn far_length(&self, position: u16, distance: u16) -> usize {
        let mut length = NEAR;
        while length < MAX_MATCH {
            let position = position.wrapping_add(length as u16);
            let bytes = self.word(position, 0);
            let equal = equal_bytes(bytes, self.word(position.wrapping_sub(distance), 0));
            length += equal;
            if equal < 8 {
                break;
            }
        }
        length
    }

    /// How many bytes are equal before a position and a distance before that, eight at most.
    #[inline(always)]
    pub(super) fn length_before(&self, position: u16, distance: u16) -> usize {
        let position = position.wrapping_sub(8);
        let candidate = position.wrapping_sub(distance);
        let differs = self.word(position, 0) ^ self.word(candidate, 0);
        (differs.leading_zeros() / 8) as usize
    }
}

/// How many bytes are equal, from the lowest on.
#[inline(always)]
pub(super) fn equal_bytes(a: u64, b: u64) -> usize {
    ((a ^ b).trailing_zeros() / 8) as usize
}
