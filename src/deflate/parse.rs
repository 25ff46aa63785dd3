//! The parser: finds matches in the last 32 KiB.

use super::prices::{Key, Prices};
use super::sequence::Parsed;
use super::symbols::MAX_MATCH;

/// Entries of the hash table: 32 KiB of `u16`, so that it stays in a first-level cache.
const HASH_BITS: u32 = 14;
/// Bytes that are hashed: shorter matches are seldom worth their bits, and are found by extending longer ones.
const HASHED: u32 = 5;
/// Positions tried in one step. The longer the step, the surer it finds a match, and the better a processor foretells
/// that it does; the best of several is also a better match.
pub(super) const WIDTH: usize = 4;
/// The parser stops this far before the end of what it sees: eight bytes are read at each position of a step.
const LOOKAHEAD: usize = 16;
/// Text enters the window in chunks of this size.
const CHUNK: usize = 32_768;
/// Bytes the window holds: as many as there are positions.
const POSITIONS: usize = 65_536;

/// The state of the parser.
///
/// Positions are `u16` and the window holds 65,536 bytes, so positions wrap as the window does, and reading at any of
/// them needs no check. The window holds the chunk being parsed, all before it up to 32 KiB back, and a step may begin
/// `LOOKAHEAD` bytes before the chunk; so the distances that [`Prices`] allow, 32,704 at most, always reach real text,
/// with 48 bytes to spare for extending a match backwards.
pub(super) struct Parser {
    /// The position at which each hash was seen last. Positions never seen are 0, which is as good as any: the bytes
    /// of a candidate are compared.
    table: Box<[u16; 1 << HASH_BITS]>,
    /// The text, and behind its end the first bytes again, for reads that cross it.
    window: Box<[u8; POSITIONS + LOOKAHEAD]>,
    /// The distance of the last match, tried at each step: rows resemble the one before in several places.
    last: u16,
}

impl Parser {
    pub(super) fn new() -> Self {
        Parser {
            table: Box::new([0; 1 << HASH_BITS]),
            window: Box::new([0; POSITIONS + LOOKAHEAD]),
            last: 1,
        }
    }

    /// Forgets what it saw: a member must not depend on the one before. The window, too, because a position is hashed
    /// even when the text behind it has not come into the window yet.
    pub(super) fn reset(&mut self) {
        self.table.fill(0);
        self.window.fill(0);
        self.last = 1;
    }

    /// Parses the block `input[start..end]`; `start` is a multiple of 32 KiB and follows the block before.
    pub(super) fn parse(&mut self, input: &[u8], start: usize, end: usize, parsed: &mut Parsed) {
        let prices = Prices::new(&input[start..end]);
        parsed.clear();
        let mut at = start;
        let mut literals_from = start;
        for chunk in (start..end).step_by(CHUNK) {
            let seen = end.min(chunk + CHUNK);
            self.fill(chunk, &input[chunk..seen]);
            while at + LOOKAHEAD <= seen {
                let best = self.best_match(at as u16, &prices);
                if !best.saves() {
                    // The longer nothing was found, the faster on: random bytes are passed in strides.
                    at += WIDTH + ((at - literals_from) >> 5);
                    continue;
                }
                let distance = best.distance();
                let from = at + best.skipped();
                let mut length = best.length();
                if length == 8 {
                    length = self.forward(from as u16, distance).min(seen - from);
                }
                // Not into the match before, and not before the member's first byte.
                let most = (from - literals_from).min(from - usize::from(distance));
                let back = self.backward(from as u16, distance).min(most);
                let (from, length) = (from - back, (length + back).min(MAX_MATCH));
                parsed.push(&input[literals_from..], from - literals_from, length, distance);
                at = from + length;
                literals_from = at;
                self.last = distance;
                for position in [at - 2, at - 1] {
                    self.replace(self.load(position as u16), position as u16);
                }
            }
        }
        parsed.push_literals(&input[literals_from..end]);
    }

    /// Copies a chunk into the window.
    fn fill(&mut self, start: usize, chunk: &[u8]) {
        let offset = start % POSITIONS;
        self.window[offset..offset + chunk.len()].copy_from_slice(chunk);
        if offset == 0 {
            self.window.copy_within(..LOOKAHEAD, POSITIONS);
        }
    }

    /// The match that saves most of those that start within `WIDTH` bytes: the last one with the same hash at each, and
    /// the last distance.
    #[inline(always)]
    fn best_match(&mut self, at: u16, prices: &Prices) -> Key {
        let mut best = Key::NONE;
        for skipped in 0..WIDTH as u16 {
            let position = at.wrapping_add(skipped);
            let word = self.load(position);
            let candidate = self.replace(word, position);
            let distance = position.wrapping_sub(candidate);
            best = best.max(prices.key(equal_bytes(word, self.load(candidate)), skipped, distance));
        }
        let position = at.wrapping_add(1);
        let length = equal_bytes(self.load(position), self.load(position.wrapping_sub(self.last)));
        best.max(prices.key(length, 1, self.last))
    }

    /// Enters a position under the hash of its first bytes; gives back the one that was there.
    #[inline(always)]
    fn replace(&mut self, word: u64, position: u16) -> u16 {
        let hash = (word << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - HASH_BITS);
        std::mem::replace(&mut self.table[hash as usize], position)
    }

    /// The eight bytes at a position.
    #[inline(always)]
    fn load(&self, position: u16) -> u64 {
        let bytes = self.window[usize::from(position)..].first_chunk();
        u64::from_le_bytes(*bytes.expect("the window goes on behind its last position"))
    }

    /// How many bytes are equal from a position on and a distance before it, when eight are known to be. At 258 or a
    /// little more it stops.
    #[inline(always)]
    fn forward(&self, position: u16, distance: u16) -> usize {
        let mut length = 8;
        while length < MAX_MATCH {
            let position = position.wrapping_add(length as u16);
            let equal = equal_bytes(self.load(position), self.load(position.wrapping_sub(distance)));
            length += equal as usize;
            if equal < 8 {
                break;
            }
        }
        length
    }

    /// How many bytes, eight at most, are equal before a position and a distance before that.
    #[inline(always)]
    fn backward(&self, position: u16, distance: u16) -> usize {
        let position = position.wrapping_sub(8);
        let differs = self.load(position) ^ self.load(position.wrapping_sub(distance));
        (differs.leading_zeros() / 8) as usize
    }
}

/// How many bytes are equal, from the lowest on.
#[inline(always)]
fn equal_bytes(a: u64, b: u64) -> u32 {
    (a ^ b).trailing_zeros() / 8
}
