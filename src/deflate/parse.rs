//! The parser: finds matches in the last 32 KiB, in two texts at once.

use super::prices::{Key, Prices};
use super::symbols::MAX_MATCH;
use super::token::Parsed;
use super::window::{Window, equal_bytes};

/// Entries of a hash table: 64 KiB of `u16`. Half as many are no faster, and leave texts larger.
const HASH_BITS: u32 = 15;
/// Bytes that are hashed: shorter matches are seldom worth their bits, and are found by extending longer ones.
const HASHED: u32 = 5;
/// Positions tried in one step. The longer the step, the surer it finds a match, and the better a processor foretells
/// that it does; the best of several is also a better match.
pub(super) const WIDTH: usize = 5;
/// A step begins no closer than this to the end of what is in the window: eight bytes are read at each position.
const LOOKAHEAD: usize = 16;

/// The position at which each hash was seen last. Positions never seen are 0, which is as good as any: the bytes of a
/// candidate are compared.
type Table = [u16; 1 << HASH_BITS];

/// What a parser keeps from block to block.
///
/// A step begins no more than `LOOKAHEAD` bytes before the chunk that entered the window last, and the window holds
/// 60 KiB before that chunk; so a distance that [`Prices`] allow reaches real text.
pub(super) struct Lane {
    table: Box<Table>,
    window: Box<Window>,
    /// Bytes of the text that have entered the window.
    entered: usize,
    /// The block last parsed.
    pub(super) parsed: Parsed,
}

impl Lane {
    pub(super) fn new() -> Self {
        Lane {
            table: Box::new([0; 1 << HASH_BITS]),
            window: Box::new(Window::new()),
            entered: 0,
            parsed: Parsed::new(),
        }
    }

    /// Forgets what it saw: a member must not depend on the one before. The window, too, because a position is hashed
    /// even when the text behind it has not entered yet.
    ///
    /// Parsing will begin behind the first `known` bytes of `text`, into which matches may reach.
    pub(super) fn reset(&mut self, text: &[u8], known: usize) {
        self.table.fill(0);
        self.window.reset();
        self.entered = 0;
        while self.entered < known {
            self.entered = self.window.enter(text, self.entered, known);
        }
        // Every other one: the rest would add little.
        for position in (0..known.saturating_sub(LOOKAHEAD) as u16).step_by(2) {
            self.table[hash(self.window.word(position, 0))] = position;
        }
    }
}

/// Parses each text from the end of the block before up to its end.
///
/// A step here, a step there: a step is a chain of loads, each of which waits for the one before, and while one lane
/// waits the processor works at the other's. Nothing is asked before both chains are through, because a question
/// answered otherwise than foretold throws away all that was begun behind it.
// Inlined into its caller, the loop is a few percent slower: it has not enough registers then.
#[inline(never)]
pub(super) fn parse_blocks(lanes: &mut [Lane; 2], texts: [&[u8]; 2], ends: [usize; 2]) {
    let [a, b] = lanes;
    let (mut a, mut b) = (
        Cursor::new(a, texts[0], ends[0]),
        Cursor::new(b, texts[1], ends[1]),
    );
    while a.has_text() && b.has_text() {
        let (best_a, best_b) = (a.best_match(), b.best_match());
        a.take(best_a);
        b.take(best_b);
    }
    a.finish();
    b.finish();
}

/// A lane at work, its state at hand.
struct Cursor<'a> {
    table: &'a mut Table,
    window: &'a mut Window,
    parsed: &'a mut Parsed,
    lane_entered: &'a mut usize,
    prices: Prices,
    text: &'a [u8],
    end: usize,
    entered: usize,
    at: usize,
    literals_from: usize,
}

impl<'a> Cursor<'a> {
    fn new(lane: &'a mut Lane, text: &'a [u8], end: usize) -> Self {
        lane.parsed.clear();
        let start = lane.entered;
        Cursor {
            table: &mut lane.table,
            window: &mut lane.window,
            parsed: &mut lane.parsed,
            lane_entered: &mut lane.entered,
            prices: Prices::new(&text[start..end]),
            text,
            end,
            entered: start,
            at: start,
            literals_from: start,
        }
    }

    /// Parses what the other lane left, and ends the block.
    fn finish(mut self) {
        while self.has_text() {
            let best = self.best_match();
            self.take(best);
        }
        self.parsed
            .finish(self.text, self.literals_from, self.end - self.literals_from);
        *self.lane_entered = self.entered;
    }

    /// Whether there is text for another step, which may have to enter the window first.
    #[inline(always)]
    fn has_text(&mut self) -> bool {
        while self.at + LOOKAHEAD > self.entered {
            if self.entered == self.end {
                return false;
            }
            self.entered = self.window.enter(self.text, self.entered, self.end);
        }
        true
    }

    /// The match that saves most of those that start within `WIDTH` bytes, each position's candidate being the last one
    /// of the same hash.
    #[inline(always)]
    fn best_match(&mut self) -> Key {
        let at = self.at as u16;
        let words: [u64; WIDTH] = std::array::from_fn(|skipped| self.window.word(at, skipped));
        let mut best = Key::NONE;
        for (skipped, bytes) in words.into_iter().enumerate() {
            let position = at.wrapping_add(skipped as u16);
            let candidate = self.replace(bytes, position);
            let length = equal_bytes(bytes, self.window.word(candidate, 0));
            best = best.max(self.prices.key(length, skipped, position.wrapping_sub(candidate)));
        }
        best
    }

    /// Appends the match, if it saves anything, and goes on behind it.
    #[inline(always)]
    fn take(&mut self, best: Key) {
        if !best.saves() {
            // The longer nothing was found, the faster on: random bytes are passed in strides.
            self.at += WIDTH + ((self.at - self.literals_from) >> 5);
            return;
        }
        let distance = best.distance();
        let from = self.at + best.skipped();
        let length = self.window.match_length(from as u16, distance, best.length());
        // Not into the match before, and not before the first byte of the text.
        let most = (from - self.literals_from).min(from - usize::from(distance));
        let back = self.window.length_before(from as u16, distance).min(most);
        // Behind what has entered, the window holds old bytes, which may be equal.
        let length = (length.min(self.entered - from) + back).min(MAX_MATCH);
        let (literals, from) = (self.literals_from, from - back);
        let short = self.window.literals(literals as u16);
        self.parsed
            .push(short, self.text, literals, from - literals, length, distance);
        self.at = from + length;
        self.literals_from = self.at;
        let within = (self.at - 2) as u16;
        self.replace(self.window.word(within, 0), within);
    }

    /// Enters a position under the hash of its first bytes; gives back the one that was there.
    #[inline(always)]
    fn replace(&mut self, word: u64, position: u16) -> u16 {
        std::mem::replace(&mut self.table[hash(word)], position)
    }
}

/// The entry of the table for a position that begins with these bytes.
#[inline(always)]
fn hash(word: u64) -> usize {
    ((word << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - HASH_BITS)) as usize
}
