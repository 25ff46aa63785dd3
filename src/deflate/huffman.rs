//! Length-limited canonical Huffman codes (RFC 1951 section 3.2.2).

/// A code for one symbol, its bits already in the order they are written.
#[derive(Clone, Copy, Default)]
pub(super) struct Code {
    /// The bits, the first to be written lowest.
    pub(super) bits: u16,
    /// How many.
    pub(super) length: u16,
}

/// Symbols an alphabet may have at most, and the longest code of any of them.
const MAX_SYMBOLS: usize = 288;
const MAX_LENGTH: usize = 15;

/// Chooses code lengths of at most `limit` bits for symbols of these frequencies; a symbol that does not occur gets 0.
///
/// At least two symbols get a code, so that the code is complete: strict decoders refuse any other.
pub(super) fn code_lengths(frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
    let mut storage = [0u64; MAX_SYMBOLS];
    let mut used = 0;
    lengths.fill(0);
    for (symbol, &frequency) in frequencies.iter().enumerate() {
        if frequency > 0 {
            storage[used] = u64::from(frequency) << 16 | symbol as u64;
            used += 1;
        }
    }
    let leaves = &mut storage[..used];
    if leaves.len() < 2 {
        let symbol = leaves.first().map_or(0, |leaf| *leaf as u16 as usize);
        lengths[symbol] = 1;
        lengths[usize::from(symbol == 0)] = 1;
        return;
    }
    leaves.sort_unstable();
    let mut counts = count_lengths(leaves, limit);
    // The rarest symbols come first and take the longest codes.
    let mut length = limit;
    for leaf in leaves.iter() {
        while counts[length] == 0 {
            length -= 1;
        }
        counts[length] -= 1;
        lengths[*leaf as u16 as usize] = length as u8;
    }
}

/// How many codes there are of each length, for leaves (frequency << 16 | symbol) in rising order.
///
/// Two queues as in van Leeuwen's construction: the leaves, and the inner nodes, which also come out in rising order.
fn count_lengths(leaves: &[u64], limit: usize) -> [u32; MAX_LENGTH + 1] {
    let inner_nodes = leaves.len() - 1;
    let mut weights = [0u64; MAX_SYMBOLS];
    let mut parents = [0u16; MAX_SYMBOLS];
    let mut leaf_parents_at = [0u16; MAX_SYMBOLS];
    let (mut leaf, mut inner) = (0, 0);
    for node in 0..inner_nodes {
        for _ in 0..2 {
            let from_leaf = leaf < leaves.len() && (inner >= node || leaves[leaf] >> 16 <= weights[inner]);
            if from_leaf {
                weights[node] += leaves[leaf] >> 16;
                leaf_parents_at[node] += 1;
                leaf += 1;
            } else {
                weights[node] += weights[inner];
                parents[inner] = node as u16;
                inner += 1;
            }
        }
    }
    // Depths from the root down; a code deeper than the limit is cut to it and paid for below.
    let mut depths = [0u8; MAX_SYMBOLS];
    let mut counts = [0u32; MAX_LENGTH + 1];
    for node in (0..inner_nodes).rev() {
        if node + 1 < inner_nodes {
            depths[node] = depths[parents[node] as usize] + 1;
        }
        counts[(depths[node] as usize + 1).min(limit)] += u32::from(leaf_parents_at[node]);
    }
    restore_kraft(&mut counts, limit);
    counts
}

/// Cutting codes to `limit` bits overdrew the code space: lengthens the cheapest shorter codes until it fits again.
fn restore_kraft(counts: &mut [u32; MAX_LENGTH + 1], limit: usize) {
    let space = 1u32 << limit;
    let mut taken: u32 = (1..=limit).map(|length| counts[length] << (limit - length)).sum();
    while taken > space {
        let mut length = limit - 1;
        while counts[length] == 0 {
            length -= 1;
        }
        counts[length] -= 1;
        counts[length + 1] += 1;
        taken -= 1 << (limit - length - 1);
    }
    // The last step may free more than was missing: shorten the codes that fit into the gap.
    for length in (2..=limit).rev() {
        while counts[length] > 0 && taken + (1 << (limit - length)) <= space {
            counts[length] -= 1;
            counts[length - 1] += 1;
            taken += 1 << (limit - length);
        }
    }
}

/// Gives the symbols the canonical codes of their lengths.
pub(super) fn canonical_codes(lengths: &[u8], codes: &mut [Code]) {
    let mut next = [0u16; MAX_LENGTH + 2];
    for &length in lengths {
        next[length as usize + 1] += 1;
    }
    next[1] = 0;
    for length in 1..MAX_LENGTH {
        next[length + 1] = (next[length] + next[length + 1]) << 1;
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        *code = Code::default();
        if length > 0 {
            let bits = next[length as usize];
            next[length as usize] += 1;
            *code = Code {
                bits: bits.reverse_bits() >> (16 - length),
                length: u16::from(length),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_those_of_the_rfc_example() {
        let lengths = [3, 3, 3, 3, 3, 2, 4, 4];
        let mut codes = [Code::default(); 8];
        canonical_codes(&lengths, &mut codes);
        let written: Vec<u16> = codes
            .iter()
            .map(|c| c.bits.reverse_bits() >> (16 - c.length))
            .collect();
        assert_eq!(written, [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111]);
    }

    #[test]
    fn a_lonely_symbol_still_gets_a_complete_code() {
        for (frequencies, expected) in [
            ([0, 0, 0], [1, 1, 0]),
            ([9, 0, 0], [1, 1, 0]),
            ([0, 0, 9], [1, 0, 1]),
        ] {
            let mut lengths = [0; 3];
            code_lengths(&frequencies, 7, &mut lengths);
            assert_eq!(lengths, expected);
        }
    }

    proptest! {
        /// Frequencies that grow like Fibonacci's numbers want codes far longer than any limit.
        #[test]
        fn codes_are_complete_and_within_the_limit(
            exponents in proptest::collection::vec(0u32..31, 2..286),
            limit in 9usize..=15,
        ) {
            let frequencies: Vec<u32> = exponents.iter().map(|e| if *e == 0 { 0 } else { 1u32 << (e / 2) }).collect();
            let mut lengths = vec![0; frequencies.len()];
            code_lengths(&frequencies, limit, &mut lengths);
            let taken: u32 = lengths.iter().filter(|l| **l > 0).map(|l| 1 << (limit - *l as usize)).sum();
            prop_assert_eq!(taken, 1 << limit);
            prop_assert!(lengths.iter().all(|l| *l as usize <= limit));
            prop_assert!(frequencies.iter().zip(&lengths).all(|(f, l)| *f == 0 || *l > 0));
        }
    }
}
