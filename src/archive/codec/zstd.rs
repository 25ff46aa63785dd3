//! zstd frames with a content checksum and their content's size, so that `zstd -t` proves them and a reader can
//! allocate at once.

use zstd::bulk::Compressor;

use super::Encoder;

pub(super) struct Zstd {
    compressor: Compressor<'static>,
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
        Zstd { compressor }
    }
}

impl Encoder for Zstd {
    fn encode(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + zstd::zstd_safe::compress_bound(text.len()), 0);
        let written = self
            .compressor
            .compress_to_buffer(text, &mut out[start..])
            .expect("zstd fits into its own bound");
        out.truncate(start + written);
    }
}
