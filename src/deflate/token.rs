//! What the parser hands to the entropy stage: one token for each symbol of the block.

use super::BLOCK;
use super::symbols::{DISTANCE_SYMBOLS, END_OF_BLOCK, MIN_MATCH, distance_symbol};

/// A symbol to be written. All are alike, so that the entropy stage need not ask what comes next, which no processor
/// could foretell.
///
/// Packed into one word: an index into tables of [`TOKENS`] entries (16 bits), value of a distance's extra bits (16).
/// Literals and the end of the block stand for themselves, lengths follow by their value, not by their symbol, and
/// distances by their symbol.
#[derive(Clone, Copy)]
pub(super) struct Token(u32);

/// Where the lengths 3 to 258 begin among the indices of tokens.
pub(super) const LENGTHS: usize = END_OF_BLOCK + 1;
/// Where the distance symbols begin among the indices of tokens.
pub(super) const DISTANCES: usize = LENGTHS + 256;
/// Entries of a table by the indices of tokens: the next power of two, so that looking up needs no check.
pub(super) const TOKENS: usize = (DISTANCES + DISTANCE_SYMBOLS).next_power_of_two();

impl Token {
    pub(super) const END_OF_BLOCK: Token = Token(END_OF_BLOCK as u32);

    #[inline(always)]
    fn literal(byte: u8) -> Self {
        Token(u32::from(byte))
    }

    #[inline(always)]
    fn length(length: usize) -> Self {
        Token((LENGTHS - MIN_MATCH + length) as u32)
    }

    #[inline(always)]
    fn distance(distance: u16) -> Self {
        let (symbol, extra) = distance_symbol(u32::from(distance));
        Token(extra << 16 | (DISTANCES as u32 + symbol))
    }

    /// Its place in a table of [`TOKENS`] entries.
    #[inline(always)]
    pub(super) fn index(self) -> usize {
        self.0 as usize & (TOKENS - 1)
    }

    /// Value of a distance's extra bits, 0 for all others.
    #[inline(always)]
    pub(super) fn extra(self) -> u32 {
        self.0 >> 16
    }
}

/// Short runs of literals are appended as this many at once, which is faster than asking how many they are.
pub(super) const STRIDE: usize = 8;

/// Longer runs of literals get no tokens, for those would take four bytes each: they stay where they are.
const LONG_RUN: usize = 256;

/// Literals without tokens.
#[derive(Clone, Copy)]
pub(super) struct LongRun {
    /// How many of the block's tokens come before.
    tokens_before: usize,
    /// Where the literals begin in the text.
    from: usize,
    length: usize,
}

/// One parsed block.
pub(super) struct Parsed {
    /// No symbol stands for less than a byte, but for the end.
    tokens: Box<[Token; BLOCK + 1 + STRIDE]>,
    count: usize,
    long_runs: Vec<LongRun>,
}

impl Parsed {
    /// Room for a block.
    pub(super) fn new() -> Self {
        Parsed {
            tokens: Box::new([Token(0); BLOCK + 1 + STRIDE]),
            count: 0,
            long_runs: Vec::with_capacity(BLOCK / LONG_RUN),
        }
    }

    /// The symbols of the block in order, in turns: tokens, and a long run of literals behind them, which may be empty.
    /// `text` is what the member holds up to the block's end.
    pub(super) fn symbols<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (&'a [Token], &'a [u8])> {
        let starts = std::iter::once(0).chain(self.long_runs.iter().map(|run| run.tokens_before));
        let last = LongRun {
            tokens_before: self.count,
            from: 0,
            length: 0,
        };
        let runs = self.long_runs.iter().copied().chain([last]);
        starts.zip(runs).map(move |(start, run)| {
            let tokens = &self.tokens[start..run.tokens_before];
            (tokens, &text[run.from..run.from + run.length])
        })
    }

    /// Whether some literals have no tokens.
    pub(super) fn has_long_runs(&self) -> bool {
        !self.long_runs.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.long_runs.clear();
    }

    /// Appends a match and the `literals` before it, which stand at `from` in the text. At least [`STRIDE`] bytes
    /// follow there.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        short: &[u8; STRIDE],
        text: &[u8],
        from: usize,
        literals: usize,
        length: usize,
        distance: u16,
    ) {
        let mut to = self.count;
        self.copy_literals(short);
        to += literals;
        if literals > STRIDE {
            self.push_literals(text, from, literals);
            to = self.count;
        }
        self.tokens[to] = Token::length(length);
        self.tokens[to + 1] = Token::distance(distance);
        self.count = to + 2;
    }

    /// Appends the literals behind the last match, and the end of the block.
    pub(super) fn finish(&mut self, text: &[u8], from: usize, literals: usize) {
        self.push_literals(text, from, literals);
        self.tokens[self.count] = Token::END_OF_BLOCK;
        self.count += 1;
    }

    fn push_literals(&mut self, text: &[u8], from: usize, length: usize) {
        if length < LONG_RUN {
            self.copy_literals(&text[from..from + length]);
            self.count += length;
        } else {
            self.long_runs.push(LongRun {
                tokens_before: self.count,
                from,
                length,
            });
        }
    }

    #[inline(always)]
    fn copy_literals(&mut self, literals: &[u8]) {
        let tokens = &mut self.tokens[self.count..][..literals.len()];
        for (token, literal) in tokens.iter_mut().zip(literals) {
            *token = Token::literal(*literal);
        }
    }
}
