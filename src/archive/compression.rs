//! What the user may ask for with `--compress`, and the containers that result.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The container around the SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Several gzip members (RFC 1952).
    Gzip,
    /// Several zstd frames (RFC 8878).
    Zstd,
    /// The text itself.
    Plain,
}

impl Format {
    /// What a file of this format is called after its base name: `.sql.gz`, `.sql.zst`, `.sql`.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Gzip => ".sql.gz",
            Format::Zstd => ".sql.zst",
            Format::Plain => ".sql",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Gzip => "gzip",
            Format::Zstd => "zstd",
            Format::Plain => "plain",
        })
    }
}

/// How to compress, spelled as pg_dump's `--compress` spells it: `gzip`, `gzip:1` ... `gzip:9`, `zstd`, `zstd:1` ...
/// `zstd:9`, `none`.
///
/// Both codecs know levels beyond 9; they fall to a few MB/s on the repetitive text that dumps are made of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip members by [`crate::deflate`], which has no levels: the fastest there is, no larger than `gzip -6`. Level 1
    /// means the same, because libdeflate's is both slower and larger.
    #[default]
    Gzip,
    /// gzip members by libdeflate at a level from 2 to 9, which trade time for size.
    GzipLevel(u8),
    /// zstd frames at a level from 1 to 9.
    Zstd(u8),
    /// Plain text.
    None,
}

impl Compression {
    /// The level of plain `zstd`, as the zstd program's own.
    pub const ZSTD_DEFAULT: u8 = 3;

    /// The container it makes.
    pub fn format(self) -> Format {
        match self {
            Compression::Gzip | Compression::GzipLevel(_) => Format::Gzip,
            Compression::Zstd(_) => Format::Zstd,
            Compression::None => Format::Plain,
        }
    }

    /// Bytes of text after which a member is closed at the next end of a row or statement.
    ///
    /// By measurement (`make bench`): gzip loses 2 % of size with members of 64 KiB and 0.4 % with 256 KiB, and zstd,
    /// whose window is larger, wants 1 MiB.
    pub fn member_size(self) -> usize {
        match self {
            Compression::Gzip => 1 << 20,
            Compression::GzipLevel(_) => 512 << 10,
            Compression::Zstd(_) => 1 << 20,
            Compression::None => 256 << 10,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::Gzip => f.write_str("gzip"),
            Compression::GzipLevel(level) => write!(f, "gzip:{level}"),
            Compression::Zstd(level) => write!(f, "zstd:{level}"),
            Compression::None => f.write_str("none"),
        }
    }
}

impl FromStr for Compression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::usage(format!(
                "unknown compression {text:?}, expected gzip[:LEVEL], zstd[:LEVEL] or none"
            ))
        };
        let (method, level) = match text.split_once(':') {
            Some((method, level)) => (method, Some(level)),
            None => (text, None),
        };
        let level = match level {
            None => None,
            Some(_) if method == "none" => return Err(unknown()),
            Some(level) => match level.parse::<u8>() {
                Ok(n @ 1..=9) => Some(n),
                _ => {
                    return Err(Error::usage(format!(
                        "compression level {level:?} in {text:?} is out of range, expected 1 to 9"
                    )));
                }
            },
        };
        match method {
            "gzip" => Ok(match level {
                None | Some(1) => Compression::Gzip,
                Some(level) => Compression::GzipLevel(level),
            }),
            "zstd" => Ok(Compression::Zstd(level.unwrap_or(Compression::ZSTD_DEFAULT))),
            "none" => Ok(Compression::None),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_spelled_as_in_pg_dump() {
        for (text, want) in [
            ("gzip", Compression::default()),
            ("gzip:1", Compression::default()),
            ("gzip:6", Compression::GzipLevel(6)),
            ("zstd", Compression::Zstd(3)),
            ("zstd:1", Compression::Zstd(1)),
            ("none", Compression::None),
        ] {
            assert_eq!(text.parse::<Compression>().unwrap(), want);
            assert_eq!(want.to_string().parse::<Compression>().unwrap(), want);
        }
    }

    #[test]
    fn a_bad_compression_is_shown_with_what_was_expected() {
        for (text, want) in [
            ("lz4", "expected gzip[:LEVEL], zstd[:LEVEL] or none"),
            ("none:1", "expected gzip[:LEVEL], zstd[:LEVEL] or none"),
            ("gzip:12", "expected 1 to 9"),
            ("zstd:0", "expected 1 to 9"),
            ("gzip:", "expected 1 to 9"),
        ] {
            let e = text.parse::<Compression>().unwrap_err();
            assert_eq!(e.kind(), crate::error::Kind::Usage);
            assert!(
                e.to_string().contains(want) && e.to_string().contains(text),
                "{e}"
            );
        }
    }
}
