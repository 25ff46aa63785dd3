//! The alphabets of RFC 1951 section 3.2.5: which symbol a length or a distance takes, and how many extra bits.

/// Literals 0 to 255, end of block 256, lengths 257 to 285.
pub(super) const LITLEN_SYMBOLS: usize = 286;
/// The code of a fixed block also has codes for two symbols that never occur.
pub(super) const FIXED_LITLEN_SYMBOLS: usize = 288;
/// Distances 1 to 32,768.
pub(super) const DISTANCE_SYMBOLS: usize = 30;
/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: usize = 256;

/// The shortest and longest match a block can hold.
pub(super) const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;
/// The farthest a match can reach back.
pub(super) const WINDOW: usize = 32_768;

/// Extra bits of the length symbols 257 to 285.
pub(super) const LENGTH_EXTRA: [u8; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];

/// The least length of each of the symbols 257 to 285, less three.
const LENGTH_BASE: [u8; 29] = length_bases();

/// For each length, less three: its symbol less 257.
pub(super) const LENGTH_SYMBOL: [u8; 256] = length_symbols();

const fn length_bases() -> [u8; 29] {
    let mut bases = [0; 29];
    let mut symbol = 1;
    while symbol < 28 {
        bases[symbol] = bases[symbol - 1] + (1 << LENGTH_EXTRA[symbol - 1]);
        symbol += 1;
    }
    // 258 has a symbol of its own, though 284 and its extra bits would reach it.
    bases[28] = (MAX_MATCH - MIN_MATCH) as u8;
    bases
}

const fn length_symbols() -> [u8; 256] {
    let mut symbols = [0; 256];
    let mut length = 0;
    let mut symbol = 0;
    while length < 256 {
        if symbol < 28 && length == LENGTH_BASE[symbol + 1] as usize {
            symbol += 1;
        }
        symbols[length] = symbol as u8;
        length += 1;
    }
    symbols
}

/// The extra bits' value for a length, less three.
pub(super) const fn length_extra(length: u8) -> u8 {
    length - LENGTH_BASE[LENGTH_SYMBOL[length as usize] as usize]
}

/// Extra bits of a distance symbol.
pub(super) const fn distance_extra(symbol: u32) -> u32 {
    (symbol >> 1).saturating_sub(1)
}

/// Symbol and value of the extra bits for a distance: after the first four, each doubling of the distance has two
/// symbols, told apart by the bit below the highest.
#[inline(always)]
pub(super) const fn distance_symbol(distance: u32) -> (u32, u32) {
    let distance = distance - 1;
    let extra = (distance | 3).ilog2() - 1;
    ((distance >> extra) + 2 * extra, distance & ((1 << extra) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_distance_has_the_symbol_of_the_rfc() {
        let length = |length: usize| {
            (
                LENGTH_SYMBOL[length - 3] as u32 + 257,
                length_extra((length - 3) as u8),
            )
        };
        assert_eq!(length(3), (257, 0));
        assert_eq!(length(10), (264, 0));
        assert_eq!(length(12), (265, 1));
        assert_eq!(length(130), (280, 15));
        assert_eq!(length(257), (284, 30));
        assert_eq!(length(258), (285, 0));
        assert_eq!(distance_symbol(1), (0, 0));
        assert_eq!(distance_symbol(4), (3, 0));
        assert_eq!(distance_symbol(5), (4, 0));
        assert_eq!(distance_symbol(8), (5, 1));
        assert_eq!(distance_symbol(24_577), (29, 0));
        assert_eq!(distance_symbol(32_768), (29, 8_191));
        assert_eq!(distance_extra(3), 0);
        assert_eq!(distance_extra(29), 13);
    }
}
