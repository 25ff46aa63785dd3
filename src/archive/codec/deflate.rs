//! gzip members by our own encoder, which is made for the rows of a dump.

use super::Encoder;
use crate::deflate;

#[derive(Default)]
pub(super) struct Deflate {
    encoder: deflate::Encoder,
    memory: Vec<u8>,
}

impl Encoder for Deflate {
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
        self.memory.clear();
        self.encoder.encode_member(text, &mut self.memory);
        &self.memory
    }
}
