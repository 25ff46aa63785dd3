//! The parser: finds matches in the last 32 KiB, in two texts at once.

use super::prices::{Key, Prices};
use super::symbols::MAX_MATCH;
use super::token::{Parsed, STRIDE};

/// Entries of a hash table: 64 KiB of `u16`. Half as many are no faster, and leave texts larger.
const HASH_BITS: u32 = 15;
/// Bytes that are hashed: shorter matches are seldom worth their bits, and are found by extending longer ones.
const HASHED: u32 = 5;
/// Positions tried in one step. The longer the step, the surer it finds a match, and the better a processor foretells
/// that it does; the best of several is also a better match.
pub(super) const WIDTH: usize = 5;
/// A step begins no closer than this to the end of what is in the window: eight bytes are read at each position.
const LOOKAHEAD: usize = 16;
/// Matches are first compared up to this length without a branch.
const NEAR: usize = 24;
/// Text enters the window in chunks of this size, small ones, so that they are still in the cache when parsed.
const CHUNK: usize = 4_096;
/// Bytes the window holds: as many as there are positions.
const POSITIONS: usize = 65_536;
/// The first bytes of the window stand behind its end again, for reads that cross it.
const MIRRORED: usize = 32;

/// The text around a lane's place.
type Window = [u8; POSITIONS + MIRRORED];

/// What a parser keeps from block to block.
///
/// Positions are `u16` and the window holds 65,536 bytes, so positions wrap as the window does, and reading at any of
/// them needs no check. A step begins no more than `LOOKAHEAD` bytes before the chunk that entered the window last, and
/// the window holds 60 KiB before that chunk; so a distance that [`Prices`] allow reaches real text.
pub(super) struct Lane {
    /// The position at which each hash was seen last. Positions never seen are 0, which is as good as any: the bytes
    /// of a candidate are compared.
    table: Box<[u16; 1 << HASH_BITS]>,
    /// The text, and behind its end the first bytes again, for reads that cross it.
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
            window: Box::new([0; POSITIONS + MIRRORED]),
            entered: 0,
            parsed: Parsed::new(),
        }
    }

    /// Forgets what it saw: a member must not depend on the one before. The window, too, because a position is hashed
    /// even when the text behind it has not entered yet.
    pub(super) fn reset(&mut self) {
        self.table.fill(0);
        self.window.fill(0);
        self.entered = 0;
    }
}

/// Parses each text from the end of the block before up to its end.
///
/// A step here, a step there: a step is a chain of loads, each of which waits for the one before, and while one lane
/// waits the processor works at the other's. Nothing is asked before both chains are through, because a question
/// answered otherwise than foretold throws away all that was begun behind it.
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
    table: &'a mut [u16; 1 << HASH_BITS],
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
            let to = self.end.min((self.entered / CHUNK + 1) * CHUNK);
            enter(self.window, self.entered, &self.text[self.entered..to]);
            self.entered = to;
        }
        true
    }

    /// The match that saves most of those that start within `WIDTH` bytes, each position's candidate being the last one
    /// of the same hash.
    #[inline(always)]
    fn best_match(&mut self) -> Key {
        let at = self.at as u16;
        let words: [u64; WIDTH] = std::array::from_fn(|skipped| word(self.window, at, skipped));
        let mut best = Key::NONE;
        for (skipped, bytes) in words.into_iter().enumerate() {
            let position = at.wrapping_add(skipped as u16);
            let candidate = self.replace(bytes, position);
            let length = equal_bytes(bytes, word(self.window, candidate, 0));
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
        let mut length = self.near_length(from as u16, distance, best.length());
        if length == NEAR {
            length = self.far_length(from as u16, distance);
        }
        // Not into the match before, and not before the first byte of the text.
        let most = (from - self.literals_from).min(from - usize::from(distance));
        let back = self.length_before(from as u16, distance).min(most);
        // Behind what has entered, the window holds old bytes, which may be equal.
        let length = (length.min(self.entered - from) + back).min(MAX_MATCH);
        let from = from - back;
        self.parsed.push(
            window_literals(self.window, self.literals_from),
            self.text,
            self.literals_from,
            from - self.literals_from,
            length,
            distance,
        );
        self.at = from + length;
        self.literals_from = self.at;
        let within = (self.at - 2) as u16;
        self.replace(word(self.window, within, 0), within);
    }

    /// Enters a position under the hash of its first bytes; gives back the one that was there.
    #[inline(always)]
    fn replace(&mut self, word: u64, position: u16) -> u16 {
        let hash = (word << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - HASH_BITS);
        std::mem::replace(&mut self.table[hash as usize], position)
    }

    /// The length of a match of `known` bytes (eight standing for eight or more), up to [`NEAR`].
    #[inline(always)]
    fn near_length(&self, position: u16, distance: u16, known: usize) -> usize {
        let candidate = position.wrapping_sub(distance);
        let [second, third] = [8, 16].map(|ahead| {
            let bytes = word(self.window, position, ahead);
            equal_bytes(bytes, word(self.window, candidate, ahead)) as usize
        });
        let behind = second + if second == 8 { third } else { 0 };
        known + if known == 8 { behind } else { 0 }
    }

    /// The length of a match of at least [`NEAR`] bytes, up to 258 or a little more.
    #[inline(always)]
    fn far_length(&self, position: u16, distance: u16) -> usize {
        let mut length = NEAR;
        while length < MAX_MATCH {
            let position = position.wrapping_add(length as u16);
            let bytes = word(self.window, position, 0);
            let equal = equal_bytes(bytes, word(self.window, position.wrapping_sub(distance), 0));
            length += equal as usize;
            if equal < 8 {
                break;
            }
        }
        length
    }

    /// How many bytes are equal before a position and a distance before that, eight at most.
    #[inline(always)]
    fn length_before(&self, position: u16, distance: u16) -> usize {
        let position = position.wrapping_sub(8);
        let candidate = position.wrapping_sub(distance);
        let differs = word(self.window, position, 0) ^ word(self.window, candidate, 0);
        (differs.leading_zeros() / 8) as usize
    }
}

/// The bytes at a position, in which literals are, if they are few.
#[inline(always)]
fn window_literals(window: &Window, from: usize) -> &[u8; STRIDE] {
    let bytes = window[usize::from(from as u16)..].first_chunk();
    bytes.expect("the window goes on behind its last position")
}

/// The eight bytes that begin `ahead` of a position.
#[inline(always)]
fn word(window: &Window, position: u16, ahead: usize) -> u64 {
    let bytes = window[usize::from(position) + ahead..].first_chunk();
    u64::from_le_bytes(*bytes.expect("the window goes on behind its last position"))
}

/// Copies a chunk, which ends at a multiple of [`CHUNK`] or with the text, into the window.
#[cold]
fn enter(window: &mut Window, start: usize, chunk: &[u8]) {
    let offset = start % POSITIONS;
    window[offset..offset + chunk.len()].copy_from_slice(chunk);
    if offset < MIRRORED {
        window.copy_within(..MIRRORED, POSITIONS);
    }
}

/// How many bytes are equal, from the lowest on.
#[inline(always)]
fn equal_bytes(a: u64, b: u64) -> u32 {
    (a ^ b).trailing_zeros() / 8
}
