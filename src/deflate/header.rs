//! The header of a dynamic block: its two codes, told by the lengths of their symbols' codes (RFC 1951 section 3.2.7).

use super::bits::BitWriter;
use super::huffman::{Code, canonical_codes, code_lengths};

const PRECODE_LIMIT: usize = 7;
/// The order in which the lengths of the code length code are sent.
const PRECODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The code lengths of a dynamic block as they are sent: run-length coded, then Huffman coded.
pub(super) struct DynamicHeader {
    litlen: usize,
    distance: usize,
    precode: usize,
    precode_lengths: [u8; 19],
    /// Symbol of the code length code, value of its extra bits.
    runs: Vec<(u8, u8)>,
    frequencies: [u32; 19],
}

impl DynamicHeader {
    /// The header that tells these code lengths.
    pub(super) fn new(litlen_lengths: &[u8], distance_lengths: &[u8]) -> Self {
        let used = |lengths: &[u8]| lengths.iter().rposition(|l| *l > 0).map_or(0, |last| last + 1);
        let litlen = used(litlen_lengths).max(257);
        let distance = used(distance_lengths).max(1);
        let mut lengths = litlen_lengths[..litlen].to_vec();
        lengths.extend_from_slice(&distance_lengths[..distance]);
        let runs = run_lengths(&lengths);
        let mut frequencies = [0; 19];
        for (symbol, _) in &runs {
            frequencies[usize::from(*symbol)] += 1;
        }
        let mut precode_lengths = [0; 19];
        code_lengths(&frequencies, PRECODE_LIMIT, &mut precode_lengths);
        let precode = PRECODE_ORDER
            .iter()
            .rposition(|s| precode_lengths[*s] > 0)
            .map_or(4, |last| last + 1)
            .max(4);
        DynamicHeader {
            litlen,
            distance,
            precode,
            precode_lengths,
            runs,
            frequencies,
        }
    }

    /// Bits it takes.
    pub(super) fn size(&self) -> usize {
        let symbols: usize = (0..19)
            .map(|s| {
                self.frequencies[s] as usize
                    * (usize::from(self.precode_lengths[s]) + run_extra(s as u8) as usize)
            })
            .sum();
        5 + 5 + 4 + 3 * self.precode + symbols
    }

    /// Writes it behind the three bits of the block's type.
    pub(super) fn write(&self, writer: &mut BitWriter<'_>) {
        writer.put(self.litlen as u64 - 257, 5);
        writer.put(self.distance as u64 - 1, 5);
        writer.put(self.precode as u64 - 4, 4);
        for symbol in &PRECODE_ORDER[..self.precode] {
            writer.put(u64::from(self.precode_lengths[*symbol]), 3);
        }
        let mut codes = [Code::default(); 19];
        canonical_codes(&self.precode_lengths, &mut codes);
        for &(symbol, extra) in &self.runs {
            let code = codes[usize::from(symbol)];
            writer.put(u64::from(code.bits), u32::from(code.length));
            writer.put(u64::from(extra), run_extra(symbol));
        }
    }
}

/// Extra bits of a symbol of the code length code.
fn run_extra(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// Code lengths as symbols of the code length code: 16 repeats the last one 3 to 6 times, 17 and 18 are 3 to 10 and 11
/// to 138 zeros.
fn run_lengths(lengths: &[u8]) -> Vec<(u8, u8)> {
    let mut runs = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (run[0], run.len());
        if length > 0 {
            runs.push((length, 0));
            left -= 1;
        }
        while left >= 3 {
            let (symbol, least, most) = match (length, left) {
                (1.., _) => (16, 3, 6),
                (0, ..11) => (17, 3, 10),
                (0, 11..) => (18, 11, 138),
            };
            let taken = left.min(most);
            runs.push((symbol, (taken - least) as u8));
            left -= taken;
        }
        runs.extend(std::iter::repeat_n((length, 0), left));
    }
    runs
}
