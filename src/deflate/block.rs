//! The entropy stage: one parsed block becomes a stored, a fixed or a dynamic block, whichever is smallest
//! (RFC 1951 section 3.2.3 to 3.2.7).

use std::ops::Range;

use super::bits::{BitWriter, SLACK};
use super::header::DynamicHeader;
use super::huffman::{Code, canonical_codes, code_lengths};
use super::symbols::*;
use super::token::{DISTANCES, LENGTHS, Parsed, TOKENS, Token};

/// Literal and length codes are limited to 12 bits, so that three tokens fit one flush of the [`BitWriter`].
const LITLEN_LIMIT: usize = 12;
/// With 13 extra bits, two distances fit one flush.
const DISTANCE_LIMIT: usize = 14;
/// Bits that may be added between two flushes of the [`BitWriter`].
const FLUSHED: u32 = 56;
/// The most a stored block holds.
pub(super) const STORED_MAX: usize = 65_535;

/// Bits that did not fill a byte at the end of the last block.
#[derive(Clone, Copy, Default)]
pub(super) struct Pending {
    pub(super) bits: u64,
    pub(super) count: u32,
}

/// How a token is written: its code, and extra bits behind it.
#[derive(Clone, Copy, Default)]
struct TokenCode {
    /// The code, and the extra bits of a length.
    bits: u32,
    /// Where the extra bits of a distance go.
    code_length: u8,
    /// Bits of all together.
    count: u8,
}

/// Tables of the entropy stage, kept from block to block to spare their allocation.
pub(super) struct BlockWriter {
    litlen_frequencies: [u32; LITLEN_SYMBOLS],
    distance_frequencies: [u32; DISTANCE_SYMBOLS],
    litlen_lengths: [u8; FIXED_LITLEN_SYMBOLS],
    distance_lengths: [u8; DISTANCE_SYMBOLS],
    litlen_codes: [Code; FIXED_LITLEN_SYMBOLS],
    distance_codes: [Code; DISTANCE_SYMBOLS],
    token_codes: [TokenCode; TOKENS],
    /// The codes of two literals in a row: bits (24) and how many (8). Only those of literals that occur are kept up.
    pair_codes: Box<[u32; 1 << 16]>,
}

impl BlockWriter {
    pub(super) fn new() -> Self {
        BlockWriter {
            litlen_frequencies: [0; LITLEN_SYMBOLS],
            distance_frequencies: [0; DISTANCE_SYMBOLS],
            litlen_lengths: [0; FIXED_LITLEN_SYMBOLS],
            distance_lengths: [0; DISTANCE_SYMBOLS],
            litlen_codes: [Code::default(); FIXED_LITLEN_SYMBOLS],
            distance_codes: [Code::default(); DISTANCE_SYMBOLS],
            token_codes: [TokenCode::default(); TOKENS],
            pair_codes: Box::new([0; 1 << 16]),
        }
    }

    /// Appends the block that `parsed` stands for, the last `length` bytes of `text`.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        length: usize,
        parsed: &Parsed,
        last: bool,
        pending: Pending,
        out: &mut Vec<u8>,
    ) -> Pending {
        self.count(text, parsed);
        code_lengths(&self.litlen_frequencies, LITLEN_LIMIT, &mut self.litlen_lengths);
        code_lengths(
            &self.distance_frequencies,
            DISTANCE_LIMIT,
            &mut self.distance_lengths,
        );
        let header = DynamicHeader::new(&self.litlen_lengths, &self.distance_lengths);
        let dynamic = header.size() + self.size(&self.litlen_lengths, &self.distance_lengths);
        let fixed = self.size(&FIXED_LITLEN_LENGTHS, &[5; DISTANCE_SYMBOLS]);
        let smallest = 3 + dynamic.min(fixed);
        if stored_size(length, pending) <= smallest {
            return write_stored(&text[text.len() - length..], last, pending, out);
        }

        // The size is known to the bit, so the buffer grows once, and the writer can be held to it.
        let start = out.len();
        let bits = pending.count as usize + smallest;
        out.resize(start + bits / 8 + SLACK + 1, 0);
        let mut writer = BitWriter::new(&mut out[start..], pending.bits, pending.count);
        writer.put(u64::from(last), 1);
        if fixed <= dynamic {
            writer.put(0b01, 2);
            self.litlen_lengths = FIXED_LITLEN_LENGTHS;
            self.distance_lengths.fill(5);
        } else {
            writer.put(0b10, 2);
            header.write(&mut writer);
        }
        self.assign_codes();
        if parsed.has_long_runs() {
            self.assign_pair_codes();
        }
        self.write_symbols(text, parsed, &mut writer);
        let (bytes, pending_bits, count) = writer.finish();
        assert_eq!(
            bytes * 8 + count as usize,
            bits,
            "a block's size differs from the one reckoned"
        );
        out.truncate(start + bytes);
        Pending {
            bits: pending_bits,
            count,
        }
    }

    /// Counts how often each symbol occurs.
    fn count(&mut self, text: &[u8], parsed: &Parsed) {
        // Four tables: counting equal neighbours in one would wait for the store of the count before.
        let mut counts = [[0u32; TOKENS]; 4];
        for (tokens, literals) in parsed.symbols(text) {
            count_each(&mut counts, tokens, |token| token.index());
            count_each(&mut counts, literals, |literal| usize::from(*literal));
        }
        let count = |index: usize| counts.iter().map(|table| table[index]).sum::<u32>();
        self.litlen_frequencies =
            std::array::from_fn(|symbol| if symbol < LENGTHS { count(symbol) } else { 0 });
        for (length, symbol) in LENGTH_SYMBOL.iter().enumerate() {
            self.litlen_frequencies[257 + usize::from(*symbol)] += count(LENGTHS + length);
        }
        self.distance_frequencies = std::array::from_fn(|symbol| count(DISTANCES + symbol));
    }

    /// Bits of all symbols of the block under the given code lengths, extra bits included.
    fn size(&self, litlen: &[u8], distance: &[u8]) -> usize {
        let mut bits = 0;
        for (symbol, &frequency) in self.litlen_frequencies.iter().enumerate() {
            let extra = if symbol > END_OF_BLOCK {
                LENGTH_EXTRA[symbol - 257]
            } else {
                0
            };
            bits += frequency as usize * usize::from(litlen[symbol] + extra);
        }
        for (symbol, &frequency) in self.distance_frequencies.iter().enumerate() {
            bits +=
                frequency as usize * (usize::from(distance[symbol]) + distance_extra(symbol as u32) as usize);
        }
        bits
    }

    fn assign_codes(&mut self) {
        canonical_codes(&self.litlen_lengths, &mut self.litlen_codes);
        canonical_codes(&self.distance_lengths, &mut self.distance_codes);
        let whole = |code: Code| TokenCode {
            bits: u32::from(code.bits),
            code_length: code.length as u8,
            count: code.length as u8,
        };
        for (symbol, token) in self.token_codes[..LENGTHS].iter_mut().enumerate() {
            *token = whole(self.litlen_codes[symbol]);
        }
        for (length, token) in self.token_codes[LENGTHS..DISTANCES].iter_mut().enumerate() {
            let symbol = usize::from(LENGTH_SYMBOL[length]);
            *token = whole(self.litlen_codes[257 + symbol]);
            if token.count > 0 {
                token.bits |= u32::from(length_extra(length as u8)) << token.code_length;
                token.count += LENGTH_EXTRA[symbol];
            }
        }
        for (symbol, code) in self.distance_codes.iter().enumerate() {
            let token = &mut self.token_codes[DISTANCES + symbol];
            *token = whole(*code);
            if code.length > 0 {
                token.count += distance_extra(symbol as u32) as u8;
            }
        }
    }

    fn assign_pair_codes(&mut self) {
        let used = || {
            (0u8..=255)
                .zip(&self.litlen_codes)
                .filter(|(_, code)| code.length > 0)
        };
        for (first, a) in used() {
            for (second, b) in used() {
                let bits = u32::from(a.bits) | u32::from(b.bits) << a.length;
                let pair = u16::from_le_bytes([first, second]);
                self.pair_codes[usize::from(pair)] = bits | u32::from(a.length + b.length) << 24;
            }
        }
    }

    fn write_symbols(&self, text: &[u8], parsed: &Parsed, writer: &mut BitWriter<'_>) {
        // Of three tokens in a row, at most two are distances, with a length between them.
        let most = |symbols: Range<usize>| {
            symbols
                .map(|index| self.token_codes[index].count)
                .max()
                .unwrap_or(0)
        };
        let three = most(LENGTHS..DISTANCES) + 2 * most(DISTANCES..TOKENS);
        for (tokens, literals) in parsed.symbols(text) {
            if u32::from(three) <= FLUSHED {
                self.write_tokens::<3>(tokens, writer);
            } else {
                self.write_tokens::<2>(tokens, writer);
            }
            self.write_literals(literals, writer);
        }
    }

    /// Writes tokens of which each `AT_ONCE` take no more bits than [`FLUSHED`].
    #[inline(always)]
    fn write_tokens<const AT_ONCE: usize>(&self, tokens: &[Token], writer: &mut BitWriter<'_>) {
        let (groups, rest) = tokens.as_chunks::<AT_ONCE>();
        for group in groups {
            for token in group {
                self.write_token(*token, writer);
            }
            writer.flush();
        }
        for token in rest {
            self.write_token(*token, writer);
            writer.flush();
        }
    }

    /// Writes a long run of literals: two at a time, and eight to a flush if they are not rare ones.
    #[inline(always)]
    fn write_literals(&self, literals: &[u8], writer: &mut BitWriter<'_>) {
        let (eights, rest) = literals.as_chunks::<8>();
        for eight in eights {
            let (pairs, _) = eight.as_chunks::<2>();
            let codes: [u32; 4] =
                std::array::from_fn(|i| self.pair_codes[usize::from(u16::from_le_bytes(pairs[i]))]);
            let at_once = codes.iter().map(|code| code >> 24).sum::<u32>() <= FLUSHED;
            for code in codes {
                writer.add(u64::from(code & 0xff_ffff), code >> 24);
                if !at_once {
                    writer.flush();
                }
            }
            writer.flush();
        }
        for literal in rest {
            let code = self.litlen_codes[usize::from(*literal)];
            writer.put(u64::from(code.bits), u32::from(code.length));
        }
    }

    #[inline(always)]
    fn write_token(&self, token: Token, writer: &mut BitWriter<'_>) {
        let code = self.token_codes[token.index()];
        writer.add(
            u64::from(code.bits | token.extra() << code.code_length),
            u32::from(code.count),
        );
    }
}

/// Counts each item in one of four tables in turns.
#[inline(always)]
fn count_each<T>(counts: &mut [[u32; TOKENS]; 4], items: &[T], index: impl Fn(&T) -> usize) {
    let mut chunks = items.chunks_exact(4);
    for chunk in &mut chunks {
        for (table, item) in counts.iter_mut().zip(chunk) {
            table[index(item)] += 1;
        }
    }
    for item in chunks.remainder() {
        counts[0][index(item)] += 1;
    }
}

/// Code lengths of a fixed block (RFC 1951 section 3.2.6).
const FIXED_LITLEN_LENGTHS: [u8; FIXED_LITLEN_SYMBOLS] = {
    let mut lengths = [8; FIXED_LITLEN_SYMBOLS];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};

/// Bits of `length` bytes as stored blocks: three bits and padding, two lengths, the bytes.
fn stored_size(length: usize, pending: Pending) -> usize {
    let blocks = length.div_ceil(STORED_MAX).max(1);
    let first_padding = 7 - (pending.count as usize + 2) % 8;
    3 + first_padding + 32 + (blocks - 1) * 40 + 8 * length
}

pub(super) fn write_stored(text: &[u8], last: bool, pending: Pending, out: &mut Vec<u8>) -> Pending {
    let mut pending = pending;
    let mut rest = text;
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(STORED_MAX));
        let header = pending.bits | u64::from(last && after.is_empty()) << pending.count;
        let header_bytes = (pending.count as usize + 3).div_ceil(8);
        out.extend_from_slice(&header.to_le_bytes()[..header_bytes]);
        out.extend_from_slice(&(chunk.len() as u16).to_le_bytes());
        out.extend_from_slice(&(!(chunk.len() as u16)).to_le_bytes());
        out.extend_from_slice(chunk);
        pending = Pending::default();
        rest = after;
        if rest.is_empty() {
            return pending;
        }
    }
}
