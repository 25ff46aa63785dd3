//! Proof that a gzip member decodes to its text, before it is written anywhere: by libdeflate, which is not the encoder.

use libdeflater::Decompressor;

use super::{Encoder, room};
use crate::deflate;

/// An encoder of gzip members whose work is checked.
///
/// A member that does not decode to its text has never been seen. Should there be one, by a fault in an encoder or in
/// the machine, then stored blocks take its place, which hold the text as it is; the file is good, and the log tells.
pub(super) struct Checked {
    encoder: Box<dyn Encoder>,
    decoder: Decompressor,
    decoded: Vec<u8>,
    stored: Vec<u8>,
}

impl Checked {
    pub(super) fn new(encoder: Box<dyn Encoder>) -> Self {
        Checked {
            encoder,
            decoder: Decompressor::new(),
            decoded: Vec::new(),
            stored: Vec::new(),
        }
    }
}

impl Encoder for Checked {
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
        let member = self.encoder.encode(text);
        let decoded = room(&mut self.decoded, text.len());
        let decoded = match self.decoder.gzip_decompress(member, decoded) {
            Ok(length) => &decoded[..length],
            Err(_) => &[],
        };
        if decoded == text {
            return member;
        }
        tracing::error!(
            "a compressed member of {} bytes did not decode to its text and was replaced; please report this, and \
             check the machine's memory",
            text.len()
        );
        self.stored.clear();
        deflate::store_member(text, &mut self.stored);
        &self.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loses a bit of every member that is long enough.
    struct Faulty(deflate::Encoder, Vec<u8>);

    impl Encoder for Faulty {
        fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
            self.1.clear();
            self.0.encode_member(text, &mut self.1);
            if let Some(byte) = self.1.get_mut(40) {
                *byte ^= 4;
            }
            &self.1
        }
    }

    #[test]
    fn a_fault_of_the_encoder_does_not_reach_the_file() {
        let mut checked = Checked::new(Box::new(Faulty(deflate::Encoder::new(), Vec::new())));
        for length in [0, 10, 1_000, 65_536, 300_000] {
            let text: Vec<u8> = (0..length).map(|i: u32| (i.wrapping_mul(i) / 7) as u8).collect();
            let member = checked.encode(&text);
            let mut decoded = vec![0; text.len()];
            let written = Decompressor::new().gzip_decompress(member, &mut decoded).unwrap();
            assert_eq!(&decoded[..written], text);
        }
    }
}
