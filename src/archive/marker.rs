//! The end marker: an empty gzip member, or a skippable zstd frame, that says where the index is. A file without one is
//! truncated or not ours.

use super::Format;

/// `pgstow`, a zero byte, and the version of this layout.
const MAGIC: [u8; 8] = *b"pgstow\0\x01";
const PAYLOAD: usize = 40;

/// A gzip header with an extra field (FLG 4), no time, unknown system; XLEN; the subfield's two letters and its length.
const GZIP_HEAD: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 44, 0, b'P', b'G', 40, 0];
/// An empty final block with fixed codes, CRC-32 and length of nothing.
const GZIP_TAIL: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The magic of the skippable frame `0x184D2A5D` and the payload's length.
const ZSTD_HEAD: [u8; 8] = [0x5d, 0x2a, 0x4d, 0x18, 40, 0, 0, 0];

/// Where the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndMarker {
    /// Offset of the index member in the file.
    pub index_offset: u64,
    /// Length of the index member in the file, in bytes.
    pub index_length: u64,
    /// XXH3-64 of the index member's bytes as they stand in the file.
    pub index_hash: u64,
    /// Bytes of text in the whole file, the index's included.
    pub text: u64,
}

impl EndMarker {
    /// Length of an end marker in the file; nothing for plain text, which has none.
    pub fn length(format: Format) -> usize {
        match format {
            Format::Gzip => GZIP_HEAD.len() + PAYLOAD + GZIP_TAIL.len(),
            Format::Zstd => ZSTD_HEAD.len() + PAYLOAD,
            Format::Plain => 0,
        }
    }

    /// The marker's bytes.
    pub fn encode(&self, format: Format) -> Vec<u8> {
        let mut payload = Vec::with_capacity(PAYLOAD);
        payload.extend_from_slice(&MAGIC);
        for number in [self.index_offset, self.index_length, self.index_hash, self.text] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
        match format {
            Format::Gzip => [&GZIP_HEAD[..], &payload, &GZIP_TAIL].concat(),
            Format::Zstd => [&ZSTD_HEAD[..], &payload].concat(),
            Format::Plain => Vec::new(),
        }
    }

    /// Reads a marker from the last bytes of a file, if there is one.
    pub fn decode(format: Format, end: &[u8]) -> Option<EndMarker> {
        let (head, tail): (&[u8], &[u8]) = match format {
            Format::Gzip => (&GZIP_HEAD, &GZIP_TAIL),
            Format::Zstd => (&ZSTD_HEAD, &[]),
            Format::Plain => return None,
        };
        let start = end.len().checked_sub(EndMarker::length(format))?;
        let payload = end[start..].strip_prefix(head)?.strip_suffix(tail)?;
        let payload = payload.strip_prefix(&MAGIC)?;
        let number = |i: usize| {
            let bytes = payload.get(i * 8..i * 8 + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(EndMarker {
            index_offset: number(0)?,
            index_length: number(1)?,
            index_hash: number(2)?,
            text: number(3)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const MARKER: EndMarker = EndMarker {
        index_offset: 0x0102_0304_0506_0708,
        index_length: 77,
        index_hash: u64::MAX - 1,
        text: 1 << 40,
    };

    #[test]
    fn a_marker_is_found_at_the_end_and_nowhere_else() {
        for format in [Format::Gzip, Format::Zstd] {
            let mut file = b"something before".to_vec();
            file.extend(MARKER.encode(format));
            assert_eq!(EndMarker::decode(format, &file), Some(MARKER));
            for cut in 1..=EndMarker::length(format) {
                assert_eq!(
                    EndMarker::decode(format, &file[..file.len() - cut]),
                    None,
                    "cut {cut}"
                );
            }
            file.push(0);
            assert_eq!(EndMarker::decode(format, &file), None);
        }
        assert_eq!(EndMarker::length(Format::Gzip), 66);
        assert_eq!(EndMarker::length(Format::Zstd), 48);
    }

    #[test]
    fn to_any_decoder_a_marker_is_nothing() {
        let mut text = Vec::new();
        let bytes = MARKER.encode(Format::Gzip);
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .unwrap();
        assert!(text.is_empty());
        let bytes = MARKER.encode(Format::Zstd);
        zstd::Decoder::new(&bytes[..])
            .unwrap()
            .read_to_end(&mut text)
            .unwrap();
        assert!(text.is_empty());
    }
}
