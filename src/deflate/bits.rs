//! Writing bits, the least significant first, as RFC 1951 section 3.1.1 packs them.

/// Room a [`BitWriter`] needs behind the last byte, because it always stores eight at a time.
pub(super) const SLACK: usize = 8;

/// Appends bits to a buffer whose length was reckoned beforehand.
///
/// At most seven bits wait in `pending` after a [`flush`](Self::flush), so 56 more may be added before the next one.
pub(super) struct BitWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// Starts at the front of `out`, behind the `count` bits `pending` left by the block before.
    pub(super) fn new(out: &'a mut [u8], pending: u64, count: u32) -> Self {
        BitWriter {
            out,
            at: 0,
            pending,
            count,
        }
    }

    /// Adds the `count` low bits of `bits`; those above must be zero.
    #[inline(always)]
    pub(super) fn add(&mut self, bits: u64, count: u32) {
        debug_assert!(self.count + count <= 63 && bits >> count == 0);
        self.pending |= bits << self.count;
        self.count += count;
    }

    /// Moves whole bytes out of `pending`.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        self.out[self.at..self.at + SLACK].copy_from_slice(&self.pending.to_le_bytes());
        self.at += (self.count >> 3) as usize;
        self.pending >>= self.count & !7;
        self.count &= 7;
    }

    /// Adds and flushes: for headers, where speed does not count.
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.add(bits, count);
        self.flush();
    }

    /// The bytes written, and the bits that do not fill a byte yet.
    pub(super) fn finish(mut self) -> (usize, u64, u32) {
        self.flush();
        (self.at, self.pending, self.count)
    }
}
