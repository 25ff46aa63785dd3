//! Digests of rows: what makes "the same data" a proof and not a count.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The digest of a set of lines: their number, their bytes and the wrapping sum of their 128-bit hashes.
///
/// A sum depends neither on the order of rows nor on how they were split among workers, so the digest of a table is
/// the same for one connection and for eight, and for a restored copy whose rows lie elsewhere. It is meant against
/// faults, not against an adversary who may choose the rows.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// Lines.
    pub rows: u64,
    /// Bytes of the lines with their newlines.
    pub bytes: u64,
    /// Sum of the XXH3-128 hashes of the lines without their newlines, modulo 2^128.
    pub sum: u128,
}

impl Digest {
    /// Adds one line, given without its newline.
    #[inline]
    pub fn row(&mut self, line: &[u8]) {
        self.rows += 1;
        self.bytes += line.len() as u64 + 1;
        self.sum = self.sum.wrapping_add(xxh3_128(line));
    }

    /// Adds what another digest has counted.
    pub fn merge(&mut self, other: &Digest) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// The sum as 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {} bytes, {}", self.rows, self.bytes, self.hex())
    }
}

/// A [`Digest`] of text that arrives in pieces of any size. Memory does not grow with the length of a row.
#[derive(Default)]
pub struct LineDigest {
    digest: Digest,
    /// The beginning of a row whose end has not come yet.
    open: Option<Open>,
}

struct Open {
    hash: Box<Xxh3>,
    bytes: u64,
}

impl LineDigest {
    /// Takes the next piece of text.
    pub fn update(&mut self, mut text: &[u8]) {
        if let Some(mut open) = self.open.take() {
            let Some(end) = memchr::memchr(b'\n', text) else {
                open.hash.update(text);
                open.bytes += text.len() as u64;
                self.open = Some(open);
                return;
            };
            open.hash.update(&text[..end]);
            self.digest.rows += 1;
            self.digest.bytes += open.bytes + end as u64 + 1;
            self.digest.sum = self.digest.sum.wrapping_add(open.hash.digest128());
            text = &text[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text) {
            self.digest.row(&text[start..end]);
            start = end + 1;
        }
        if start < text.len() {
            let mut hash = Box::new(Xxh3::new());
            hash.update(&text[start..]);
            self.open = Some(Open {
                hash,
                bytes: (text.len() - start) as u64,
            });
        }
    }

    /// The digest of the lines that ended since the last call; a line that is still open goes on.
    pub fn take(&mut self) -> Digest {
        std::mem::take(&mut self.digest)
    }

    /// The digest of the whole lines seen, and the bytes after the last newline, which belong to no line.
    pub fn finish(&self) -> (Digest, u64) {
        (self.digest, self.open.as_ref().map_or(0, |open| open.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Digest {
        let mut digest = Digest::default();
        for line in lines {
            digest.row(line.as_bytes());
        }
        digest
    }

    #[test]
    fn order_and_splitting_do_not_change_a_digest() {
        let whole = of(&["a\t1", "b\t2", "", "c"]);
        let mut parts = of(&["c", ""]);
        parts.merge(&of(&["b\t2", "a\t1"]));
        assert_eq!(whole, parts);
        assert_ne!(whole, of(&["a\t2", "b\t1", "", "c"]));
    }

    #[test]
    fn a_repeated_row_is_not_the_same_as_one() {
        assert_ne!(of(&["a"]), of(&["a", "a"]));
        assert_ne!(of(&["a", "b"]).sum, of(&["a", "a"]).sum);
    }

    #[test]
    fn the_hash_is_the_published_xxh3_128() {
        // The published test value of XXH3_128bits for no input, seed 0.
        assert_eq!(of(&[""]).hex(), "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn pieces_of_any_size_give_the_same_digest() {
        let text = b"first\tline\n\nthird line is somewhat longer than the others are\nx\n";
        let lines: Vec<_> = text.split(|b| *b == b'\n').collect();
        let mut want = Digest::default();
        for line in &lines[..lines.len() - 1] {
            want.row(line);
        }
        for size in 1..text.len() {
            let mut got = LineDigest::default();
            for piece in text.chunks(size) {
                got.update(piece);
            }
            assert_eq!(got.finish(), (want, 0), "pieces of {size}");
        }
    }
}
