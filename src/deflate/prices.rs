//! What a match is worth: the bits it takes against the bits its bytes would take as literals.
//!
//! On digits a match of four bytes is dearer than four literals, on prose it is cheaper; so the price of a literal is
//! the entropy of a sample. Distances are priced by their magnitude. All in whole sixteenths of a bit: floating point
//! might choose other matches on another machine.

use super::parse::WIDTH;
use super::symbols::{MIN_MATCH, WINDOW};

/// What a match costs beside the extra bits of its distance: about three bits each for its length and for the symbol
/// of its distance. Found by trial on COPY text, as is [`SKIPPED`].
const MATCH: i64 = 6 * 16;
/// What a byte costs that is passed over to reach a match, beyond its price as a literal: it might have been part of a
/// match itself.
const SKIPPED: i64 = 28;
/// Distances are priced in steps of this many bytes.
const GRAIN: usize = 64;
/// A price no match is worth.
const PROHIBITIVE: i64 = 1 << 48;

/// Distances divided by [`GRAIN`]: what a match costs.
static DISTANCE: [i64; 65_536 / GRAIN] = {
    let mut prices = [PROHIBITIVE; 65_536 / GRAIN];
    let mut step = 0;
    while step < WINDOW / GRAIN {
        let distance = step * GRAIN + GRAIN / 2;
        prices[step] = (MATCH + 16 * distance.ilog2() as i64) << 32;
        step += 1;
    }
    prices
};

/// The terms of a [`Key`] that depend on the text: what a match saves, by the bytes passed over to reach it and its
/// length up to eight, and both.
pub(super) struct Prices {
    saved: [[i64; 9]; WIDTH],
}

/// A possible match as one number, so that the best of several is their maximum, found without a branch.
///
/// From the top: the sixteenths of a bit it saves (32 bits), its length up to eight, how many bytes are passed over to
/// reach it (4 bits each, from bit 20 and 16), its distance (16 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(i64);

impl Prices {
    /// Prices for a block of text.
    pub(super) fn new(text: &[u8]) -> Self {
        let literal = entropy(text);
        let saved = |length: usize| {
            if length < MIN_MATCH {
                -PROHIBITIVE
            } else {
                (length as i64 * literal) << 32
            }
        };
        Prices {
            saved: std::array::from_fn(|skipped| {
                let tag = (skipped as i64) << 16;
                let lost = (skipped as i64 * SKIPPED) << 32;
                std::array::from_fn(|length| (saved(length) | (length as i64) << 20) - lost + tag)
            }),
        }
    }

    /// The key of a match of `length` bytes (eight standing for eight or more) `skipped` bytes ahead. Distances of
    /// 32,768 and more are out of reach.
    #[inline(always)]
    pub(super) fn key(&self, length: usize, skipped: usize, distance: u16) -> Key {
        let price = DISTANCE[usize::from(distance) / GRAIN];
        Key(self.saved[skipped][length] - price + i64::from(distance))
    }
}

impl Key {
    /// The key of a match that is not worth taking.
    pub(super) const NONE: Key = Key(0);

    /// Whether the match saves anything. Distance 0 stands for 65,536, which is out of reach too; that is asked once for
    /// the best of several, and hardly ever so.
    #[inline(always)]
    pub(super) fn saves(self) -> bool {
        self.0 >= 1 << 32 && self.distance() != 0
    }

    #[inline(always)]
    pub(super) fn length(self) -> usize {
        (self.0 >> 20 & 15) as usize
    }

    #[inline(always)]
    pub(super) fn skipped(self) -> usize {
        (self.0 >> 16 & 15) as usize
    }

    #[inline(always)]
    pub(super) fn distance(self) -> u16 {
        self.0 as u16
    }
}

/// Sixteenths of a bit that a byte of `text` takes by its frequency alone, from a sample.
fn entropy(text: &[u8]) -> i64 {
    const PARTS: usize = 16;
    const SAMPLE: usize = 256;
    let mut counts = [0u32; 256];
    for part in text.chunks(text.len() / PARTS + SAMPLE) {
        for byte in &part[..part.len().min(SAMPLE)] {
            counts[usize::from(*byte)] += 1;
        }
    }
    let total: u32 = counts.iter().sum();
    let bits: u32 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| count * (log2(total) - log2(*count)))
        .sum();
    i64::from(bits / total.max(1))
}

/// Binary logarithm of a positive number in sixteenths, as a straight line between the powers of two.
fn log2(number: u32) -> u32 {
    let whole = number.ilog2();
    16 * whole + ((number << 4) >> whole) - 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_bytes() {
        let text: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        assert_eq!(entropy(&text), 8 * 16);
        assert_eq!(entropy(b"aaaaaaaa"), 0);
        assert_eq!(entropy(b"abababab"), 16);
        assert_eq!(entropy(b""), 0);
    }

    #[test]
    fn only_matches_within_reach_and_of_three_bytes_save() {
        let text: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        let prices = Prices::new(&text);
        let key = |length, distance| prices.key(length, 1, distance);
        assert!(key(8, 1).saves() && key(8, 32_767).saves() && key(3, 1).saves());
        assert!(
            !key(8, 0).saves() && !key(8, 32_768).saves() && !key(8, 65_535).saves() && !key(2, 1).saves()
        );
        let key = key(8, 32_767);
        assert_eq!((key.length(), key.skipped(), key.distance()), (8, 1, 32_767));
        assert!(prices.key(5, 0, 100) > prices.key(5, 0, 10_000));
        assert!(prices.key(5, 0, 100) > prices.key(5, 1, 100));
    }
}
