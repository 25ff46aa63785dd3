//! zstd frames with a content checksum and their content's size, so that `zstd -t` proves them and a reader can
//! allocate at once.

use zstd::bulk::Compressor;

use super::{Encoder, room};

pub(super) struct Zstd {
    compressor: Compressor<'static>,
    memory: Vec<u8>,
}

impl Zstd {
    /// `level` is 1 to 9.
    pub(super) fn new(level: u8) -> Self {
        let mut compressor = Compressor::new(i32::from(level)).expect("zstd allocates its context");
        compressor
            .include_checksum(true)
            .expect("zstd knows the checksum flag");
        compressor
            .include_contentsize(true)
            .expect("zstd knows the content size flag");
        Zstd {
            compressor,
            memory: Vec::new(),
        }
    }
}

impl Encoder for Zstd {
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
        let bound = zstd::zstd_safe::compress_bound(text.len());
        let written = self
            .compressor
            .compress_to_buffer(text, room(&mut self.memory, bound))
            .expect("zstd fits into its own bound");
        &self.memory[..written]
    }
}
