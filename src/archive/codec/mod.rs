//! Encoders: one member's text in, one whole gzip member or zstd frame out.
//!
//! An encoder is deterministic: the same text gives the same bytes. It keeps its working memory between members and
//! nothing else, so that members do not depend on each other.

mod gzip;
mod zstd;

use super::Compression;

/// Turns the text of one member into the bytes of the file. One for each worker.
pub trait Encoder: Send {
    /// One whole member that holds `text`. It lies in the encoder's own memory until the next call.
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8];
}

/// Room for `wanted` bytes. What was written there before is left as it is: clearing would cost one percent.
fn room(memory: &mut Vec<u8>, wanted: usize) -> &mut [u8] {
    if memory.len() < wanted {
        memory.resize(wanted, 0);
    }
    memory
}

/// The encoder for a compression.
pub fn encoder(compression: Compression) -> Box<dyn Encoder> {
    match compression {
        Compression::Gzip(level) => Box::new(gzip::Gzip::new(level)),
        Compression::Zstd(level) => Box::new(zstd::Zstd::new(level)),
        Compression::None => Box::new(Plain),
    }
}

/// No compression: a member is its text.
struct Plain;

impl Encoder for Plain {
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
        text
    }
}
