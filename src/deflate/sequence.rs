//! What the parser hands to the entropy stage: literals, and matches between them.

use super::symbols::{MIN_MATCH, distance_symbol};

/// A run of literals and the match behind it, packed into one word: literals before the match (32 bits), value of the
/// distance's extra bits (16), distance symbol (8), length less three (8).
#[derive(Clone, Copy)]
pub(super) struct Sequence(u64);

impl Sequence {
    #[inline(always)]
    fn new(literals: usize, length: usize, distance: u16) -> Self {
        let (symbol, extra) = distance_symbol(u32::from(distance));
        let length = (length - MIN_MATCH) as u64;
        Sequence((literals as u64) << 32 | u64::from(extra) << 16 | u64::from(symbol) << 8 | length)
    }

    /// Literals before the match.
    #[inline(always)]
    pub(super) fn literals(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Length of the match, less three.
    #[inline(always)]
    pub(super) fn length(self) -> u8 {
        self.0 as u8
    }

    /// Symbol of the distance.
    #[inline(always)]
    pub(super) fn distance_symbol(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Value of the distance's extra bits.
    #[inline(always)]
    pub(super) fn distance_extra(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// Short runs of literals are copied this many bytes at once, which is faster than asking how many they are.
const STRIDE: usize = 16;

/// One parsed block.
pub(super) struct Parsed {
    literals: Box<[u8]>,
    literal_count: usize,
    sequences: Box<[Sequence]>,
    sequence_count: usize,
}

impl Parsed {
    /// Room for blocks of up to `block` bytes.
    pub(super) fn new(block: usize) -> Self {
        Parsed {
            literals: vec![0; block + STRIDE].into(),
            literal_count: 0,
            sequences: vec![Sequence(0); block / MIN_MATCH + 1].into(),
            sequence_count: 0,
        }
    }

    /// All literals of the block, one behind the other.
    pub(super) fn literals(&self) -> &[u8] {
        &self.literals[..self.literal_count]
    }

    /// The literals with at least four bytes of anything behind them.
    pub(super) fn padded_literals(&self) -> &[u8] {
        &self.literals
    }

    /// The matches, each with the count of literals before it. Literals behind the last match follow.
    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences[..self.sequence_count]
    }

    pub(super) fn clear(&mut self) {
        self.literal_count = 0;
        self.sequence_count = 0;
    }

    /// Appends the first `literals` bytes of `text`, which holds at least [`STRIDE`] bytes, and a match.
    #[inline(always)]
    pub(super) fn push(&mut self, text: &[u8], literals: usize, length: usize, distance: u16) {
        let to = self.literal_count;
        self.literals[to..to + STRIDE].copy_from_slice(&text[..STRIDE]);
        if literals > STRIDE {
            self.literals[to..to + literals].copy_from_slice(&text[..literals]);
        }
        self.literal_count += literals;
        self.sequences[self.sequence_count] = Sequence::new(literals, length, distance);
        self.sequence_count += 1;
    }

    /// Appends literals behind the last match.
    pub(super) fn push_literals(&mut self, literals: &[u8]) {
        self.literals[self.literal_count..self.literal_count + literals.len()].copy_from_slice(literals);
        self.literal_count += literals.len();
    }
}
