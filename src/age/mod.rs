//! The age format, version 1 (<https://age-encryption.org/v1>): what leaves the machine is readable only with a key that
//! is not on it. `age` and `rage` read what this writes, and the other way round.
//!
//! Native X25519 recipients (`age1...`) and identities (`AGE-SECRET-KEY-1...`) only: no passphrases, SSH keys, plugins or
//! ASCII armour. The primitives are ring's and x25519-dalek's; the crate `age` is not used because half as many crates
//! as pgstow has in all would come with it, most of them to translate its messages.

mod header;
mod key;
mod payload;

pub use header::{FileKey, is_encrypted};
pub use key::{Identity, Recipient, identities, recipients};
pub use payload::{Reader, Writer};

use std::io::Write;

use crate::Result;

/// What an encrypted file's name ends in.
pub const EXTENSION: &str = ".age";

/// Begins an encrypted file for these recipients: writes the header, and gives a writer of the rest.
pub fn encrypt<W: Write>(mut out: W, recipients: &[Recipient]) -> Result<Writer<W>> {
    let key = FileKey::random()?;
    let header = header::write(&key, recipients)?;
    let failed = |e| crate::Error::io("cannot write", e);
    out.write_all(&header).map_err(failed)?;
    Writer::begin(out, &key)
}

/// Opens an encrypted file with the first identity that fits: a reader of what was encrypted, at any place.
pub fn decrypt<R: std::io::Read + std::io::Seek>(mut input: R, identities: &[Identity]) -> Result<Reader<R>> {
    let (key, length) = header::read(&mut input, identities)?;
    Reader::begin(input, length, &key)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom};

    use super::*;
    use crate::error::Kind;

    const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    const OTHER: &str = "AGE-SECRET-KEY-1QYPQXPQPQGPSGQGZQVZQZQSRQSQSYQCYQYPQXPQPQGPSGQGZQVZQ5JZSWS";

    fn keys() -> (Vec<Identity>, Vec<Recipient>) {
        let identities = identities(&format!("# created by hand\n\n{IDENTITY}\n")).unwrap();
        let recipients = identities.iter().map(Identity::to_recipient).collect();
        (identities, recipients)
    }

    fn encrypted(text: &[u8]) -> Vec<u8> {
        let mut writer = encrypt(Vec::new(), &keys().1).unwrap();
        // In pieces that fit no chunk.
        for piece in text.chunks(10_007) {
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn what_was_encrypted_comes_back_at_any_length_and_place() {
        for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000] {
            let text: Vec<u8> = (0..length).map(|i| (i * 7 % 251) as u8).collect();
            let file = encrypted(&text);
            assert!(is_encrypted(&file));
            let mut reader = decrypt(Cursor::new(&file), &keys().0).unwrap();
            let mut back = Vec::new();
            reader.read_to_end(&mut back).unwrap();
            assert!(back == text, "{length}");
            assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), length as u64);
            for at in [0, 65_535, 65_536, 100_000] {
                if at < length {
                    reader.seek(SeekFrom::Start(at as u64)).unwrap();
                    let mut byte = [0];
                    reader.read_exact(&mut byte).unwrap();
                    assert_eq!(byte[0], text[at], "{length} at {at}");
                }
            }
        }
    }

    #[test]
    fn any_change_and_any_cut_is_noticed() {
        let text = vec![b'x'; 200_000];
        let file = encrypted(&text);
        let read = |file: &[u8]| -> Result<Vec<u8>, String> {
            let mut reader = decrypt(Cursor::new(file), &keys().0).map_err(|e| e.to_string())?;
            let mut back = Vec::new();
            reader.read_to_end(&mut back).map_err(|e| e.to_string())?;
            Ok(back)
        };
        assert!(read(&file).is_ok());
        for at in [30, 60, 140, 190, 240, 70_000, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "{at}");
        }
        for length in [0, 20, 100, 180, 210, 65_752, 131_288, file.len() - 1] {
            assert!(read(&file[..length]).is_err(), "cut at {length}");
        }
        assert!(read(&[&file[..], b"x"].concat()).is_err(), "longer");
    }

    #[test]
    fn another_key_opens_nothing() {
        let file = encrypted(b"secret");
        let other = identities(OTHER).unwrap();
        let error = decrypt(Cursor::new(&file), &other).err().unwrap();
        assert!(error.to_string().contains("none of the identities"), "{error}");
        assert_eq!(error.kind(), Kind::Failed);
    }
}
