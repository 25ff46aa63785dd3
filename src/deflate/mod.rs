//! A gzip encoder made for COPY text.
//!
//! Rows of a table resemble each other: most of a row stood in the one before or a few before it, and what is new is
//! mostly digits. This encoder is made for such text; anything else it encodes as correctly, though not always as small
//! as others do. It writes ordinary gzip members (RFC 1952) of ordinary deflate blocks (RFC 1951), whose names it uses.
//!
//! ```text
//!            input, a member's text
//!   ┌──────────────────┬──────────────────┬─────────┐
//!   │  block 128 KiB   │      block       │  block  │
//!   └────────┬─────────┴──────────────────┴─────────┘
//!            │ parse.rs: a window of 64 KiB and a table of where each hash of five bytes was seen last;
//!            │           tries four positions at a time and the last distance, prices.rs says which match saves most
//!            ▼
//!   sequences  (3 literals, length 9, distance 52) (0 literals, length 17, distance 104) ...   sequence.rs
//!   literals   "42\t" "7" ...                      one behind the other
//!            │ block.rs: counts symbols, builds two Huffman codes (huffman.rs, symbols.rs), reckons the size of
//!            │           a dynamic, a fixed and a stored block, writes the smallest (bits.rs)
//!            ▼
//!   header │ block │ block │ last block │ CRC-32 │ length                                     a gzip member
//! ```
//!
//! # Why it is fast
//!
//! What costs time is not arithmetic but branches that a processor cannot foretell, some 15 cycles each, while digits
//! change at every turn. So the parser computes five possible matches, each as one number whose maximum is the best, and
//! asks a single question: does it save anything? Positions wrap as the window does, and a hash seen never points
//! somewhere harmless, so neither needs a check. The entropy stage looks four literals up for each match and drops those
//! that are not there. Random bytes, which no question foretells, are passed in growing strides.
//!
//! # What it promises
//!
//! - The same input gives the same bytes, on every machine and whatever was encoded before.
//! - A member is never larger than [`bound`] says, and the encoder panics rather than return one that is, or one whose
//!   blocks differ from their reckoned size.
//! - Nothing is allocated once its buffers and the caller's have grown.
//!
//! It has no levels, and does not promise to be the smallest; it does not stream: a member's text is at hand as a whole.
//! One input may not exceed 4 GiB, which is what the length in the trailer can say.

mod bits;
mod block;
mod huffman;
mod parse;
mod prices;
mod sequence;
mod symbols;

use block::{BlockWriter, Pending};
use parse::Parser;
use sequence::Parsed;

/// Bytes of text that share a pair of Huffman codes.
const BLOCK: usize = 131_072;
/// No name, no time, no hint of level or system: nothing but the text decides a member's bytes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// CRC-32 and length behind the last block.
const TRAILER: usize = 8;

/// Encodes gzip members, one after the other; keeps its buffers between them, and nothing else.
pub struct Encoder {
    parser: Parser,
    parsed: Parsed,
    blocks: BlockWriter,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder::new()
    }
}

impl Encoder {
    /// An encoder, about 500 KiB of buffers.
    pub fn new() -> Self {
        Encoder {
            parser: Parser::new(),
            parsed: Parsed::new(BLOCK),
            blocks: BlockWriter::new(),
        }
    }

    /// Appends one whole gzip member that holds `input` to `out`: at most [`bound`] bytes, the same for the same input.
    ///
    /// `out` grows as needed; kept from member to member, nothing is allocated after the first ones.
    pub fn encode_member(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&HEADER);
        self.parser.reset();
        let mut crc = crc32fast::Hasher::new();
        let mut pending = Pending::default();
        let mut from = 0;
        loop {
            let to = input.len().min(from + BLOCK);
            let text = &input[from..to];
            crc.update(text);
            self.parser.parse(input, from, to, &mut self.parsed);
            let last = to == input.len();
            pending = self.blocks.write(text, &self.parsed, last, pending, out);
            if last {
                break;
            }
            from = to;
        }
        if pending.count > 0 {
            out.push(pending.bits as u8);
        }
        out.extend_from_slice(&crc.finalize().to_le_bytes());
        out.extend_from_slice(&(input.len() as u32).to_le_bytes());
        assert!(
            out.len() - start <= bound(input.len()),
            "a gzip member is larger than its bound"
        );
    }
}

/// The most bytes a member that holds `length` bytes can take.
///
/// No block is larger than the stored blocks that could stand for it, and each of these takes five bytes beside its
/// text: three bits, padding to the next byte, two lengths of 16 bits. (Where a block starts within a byte, the padding
/// only shrinks what five bytes allow for.)
pub const fn bound(length: usize) -> usize {
    let whole = length / BLOCK * BLOCK.div_ceil(block::STORED_MAX);
    let rest = (length % BLOCK).div_ceil(block::STORED_MAX);
    let stored = if length == 0 { 1 } else { whole + rest };
    HEADER.len() + length + 5 * stored + TRAILER
}
