//! A gzip encoder made for COPY text.
//!
//! Rows of a table resemble each other: most of a row stood in the one before or a few before it, and what is new is
//! mostly digits. This encoder is made for such text; anything else it encodes as correctly, though not always as small
//! as others do. It writes ordinary gzip members (RFC 1952) of ordinary deflate blocks (RFC 1951), whose names it uses.
//!
//! ```text
//!            input, a member's text
//!   ┌────────────────┬───────────────┬────────────────┬───────────────┐
//!   │ block, 128 KiB │     block     │ block, 128 KiB │     block     │
//!   └───────┬────────┴───────────────┴───────┬────────┴───────────────┘
//!           first half                       second half, parsed at the same time, its window filled beforehand
//!           └────────┬───────────────────────┘
//!                    │ parse.rs: a table of where each hash of five bytes was seen last, a window (window.rs) to
//!                    │           compare in; tries five positions at a time, prices.rs says which match saves most
//!                    ▼
//!   tokens     '4' '2' '\t' length 9, distance 52, length 17, distance 104, '7' ...            token.rs
//!                    │ block.rs: counts symbols, builds two Huffman codes (huffman.rs, symbols.rs), reckons the size of
//!                    │           a dynamic (header.rs), a fixed and a stored block, writes the smallest (bits.rs)
//!                    ▼
//!   header │ block │ block │ empty block │ block │ last block │ CRC-32 │ length              a gzip member
//!                              └ stored; it ends the first half at a whole byte
//!
//!   last? 1 bit │ type 2 bits │ both codes, as the lengths of their symbols' codes │ tokens │ end of block    a dynamic block
//!   last? 1 bit │ type 2 bits │ padding │ length │ its complement │ bytes                                     a stored block
//! ```
//!
//! # Why it is fast
//!
//! What costs time is not arithmetic but waiting: for branches that a processor cannot foretell, some 15 cycles each,
//! while digits change at every turn, and for chains of loads, from the position to its hash to a candidate to its bytes.
//! So the parser computes five possible matches, each as one number whose maximum is the best, and asks a single
//! question: does it save anything? It does so in both halves of the text in turns, which halves the waiting. Positions
//! wrap as the window does, so that reading needs no check, and a position never seen points somewhere harmless. The
//! entropy stage is handed tokens that are all alike, literals, lengths and distances, so that it asks nothing at all:
//! each is looked up and written, three to a flush. Random bytes, in which no question is foretold, are passed in
//! growing strides; long runs of literals need no tokens, and are written two at a time.
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
mod header;
mod huffman;
mod parse;
mod prices;
mod symbols;
mod token;
mod window;

use block::{BlockWriter, Pending};
use parse::{Lane, parse_blocks};

/// Bytes of text that share a pair of Huffman codes.
const BLOCK: usize = 131_072;
/// Texts shorter than this are not halved; a half is no shorter than [`KNOWN`].
const HALVED: usize = 65_536;
/// How much of the first half the parser of the second knows from the start: all that matches can reach.
const KNOWN: usize = symbols::WINDOW;
/// No name, no time, no hint of level or system: nothing but the text decides a member's bytes.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// CRC-32 and length behind the last block.
const TRAILER: usize = 8;

/// Encodes gzip members, one after the other; keeps its buffers between them, and nothing else.
pub struct Encoder {
    lanes: [Lane; 2],
    blocks: BlockWriter,
    /// The blocks of a member's second half, until those of the first are written.
    second: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder::new()
    }
}

impl Encoder {
    /// An encoder, about 1.6 MiB of buffers.
    pub fn new() -> Self {
        Encoder {
            lanes: [Lane::new(), Lane::new()],
            blocks: BlockWriter::new(),
            second: Vec::new(),
        }
    }

    /// Appends one whole gzip member that holds `input` to `out`: at most [`bound`] bytes, the same for the same input.
    ///
    /// `out` grows as needed; if it is kept from member to member, nothing is allocated after the first ones.
    pub fn encode_member(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&HEADER);
        let first = first_half(input.len());
        let halved = first < input.len();
        let known = if halved { KNOWN } else { 0 };
        let texts = [&input[..first], &input[first - known..]];
        let mut pending = [Pending::default(); 2];
        let mut ends = [0, known];
        for ((lane, text), known) in self.lanes.iter_mut().zip(texts).zip(ends) {
            lane.reset(text, known);
        }
        self.second.clear();
        loop {
            let starts = ends;
            ends = [0, 1].map(|half| texts[half].len().min(starts[half] + BLOCK));
            parse_blocks(&mut self.lanes, texts, ends);
            let sinks = [&mut *out, &mut self.second];
            for (half, sink) in sinks.into_iter().enumerate() {
                let text = &texts[half][..ends[half]];
                let length = ends[half] - starts[half];
                let last = ends[half] == texts[half].len() && (half == 1 || !halved);
                if length > 0 || (last && input.is_empty()) {
                    let parsed = &self.lanes[half].parsed;
                    pending[half] = self.blocks.write(text, length, parsed, last, pending[half], sink);
                }
            }
            if ends[0] == texts[0].len() && ends[1] == texts[1].len() {
                break;
            }
        }
        if halved {
            // An empty stored block fills the first half's last byte.
            block::write_stored(b"", false, pending[0], out);
            out.extend_from_slice(&self.second);
        }
        let Pending { bits, count } = pending[usize::from(halved)];
        if count > 0 {
            out.push(bits as u8);
        }
        trailer(input, out);
        assert!(
            out.len() - start <= bound(input.len()),
            "a gzip member is larger than its bound"
        );
    }
}

/// Appends a gzip member that holds `input` as it is, in stored blocks: nothing is encoded that could go wrong.
pub fn store_member(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&HEADER);
    block::write_stored(input, true, Pending::default(), out);
    trailer(input, out);
}

/// CRC-32 and length modulo 2^32 (RFC 1952 section 2.3.1).
fn trailer(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&crc32fast::hash(input).to_le_bytes());
    out.extend_from_slice(&(input.len() as u32).to_le_bytes());
}

/// Bytes of a text of `length` that go into the first half.
const fn first_half(length: usize) -> usize {
    if length < HALVED {
        length
    } else {
        length.div_ceil(2)
    }
}

/// The most bytes a member that holds `length` bytes can take.
///
/// No block is larger than the stored blocks that could stand for it, and each of these takes five bytes beside its
/// text: three bits, padding to the next byte, two lengths of 16 bits. Where a block starts within a byte, its three
/// bits and the padding still end at most a byte later than that byte. One more stored block may stand between halves.
pub const fn bound(length: usize) -> usize {
    let first = first_half(length);
    let stored = stored_blocks(first) + 1 + stored_blocks(length - first);
    HEADER.len() + length + 5 * stored + TRAILER
}

/// Stored blocks that stand for `length` bytes, or one for none.
const fn stored_blocks(length: usize) -> usize {
    let whole = length / BLOCK * BLOCK.div_ceil(block::STORED_MAX);
    whole + (length % BLOCK).div_ceil(block::STORED_MAX)
}
