//! Encoders: one member's text in, one whole gzip member or zstd frame out.
//!
//! An encoder is deterministic: the same text gives the same bytes. It keeps its working memory between members and
//! nothing else, so that members do not depend on each other.

mod checked;
mod deflate;
mod gzip;
mod zstd;

use super::{Compression, Format};

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
        Compression::Gzip => Box::<deflate::Deflate>::default(),
        Compression::GzipLevel(level) => Box::new(gzip::Gzip::new(level)),
        Compression::Zstd(level) => Box::new(zstd::Zstd::new(level)),
        Compression::None => Box::new(Plain),
    }
}

/// The encoder for a compression, each gzip member of which is decoded and compared before it is given out. zstd frames
/// bear a checksum of their text, and are proven when the file is read back.
pub fn checked_encoder(compression: Compression) -> Box<dyn Encoder> {
    let encoder = encoder(compression);
    match compression.format() {
        Format::Gzip => Box::new(checked::Checked::new(encoder)),
        Format::Zstd | Format::Plain => encoder,
    }
}

/// No compression: a member is its text.
struct Plain;

impl Encoder for Plain {
    fn encode<'a>(&'a mut self, text: &'a [u8]) -> &'a [u8] {
        text
    }
}
