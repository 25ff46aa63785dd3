//! The header: who can open the file, and a seal over it.
//!
//! ```text
//! age-encryption.org/v1
//! -> X25519 <ephemeral share>
//! <the file key, wrapped for one recipient>
//! --- <HMAC of all before>
//! ```

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Identity, Recipient};
use crate::{Error, Result};

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// Bytes of a header: more recipients than anybody has.
const LONGEST: usize = 64 << 10;
/// The key of 16 bytes, and what proves that it is the right one.
const WRAPPED: usize = 32;

/// The secret that a file is encrypted with, made for it alone.
pub struct FileKey([u8; 16]);

impl FileKey {
    pub(super) fn random() -> Result<FileKey> {
        Ok(FileKey(random()?))
    }

    /// A key made of this one for some purpose.
    pub(super) fn derive(&self, salt: &[u8], purpose: &[u8]) -> Result<[u8; 32]> {
        derive(&self.0, salt, purpose)
    }
}

/// Whether a file begins as an encrypted one does.
pub fn is_encrypted(start: &[u8]) -> bool {
    start.starts_with(VERSION)
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::failed("the system gives no random numbers"))?;
    Ok(bytes)
}

/// HKDF-SHA-256, as many bytes as a key has.
fn derive(secret: &[u8], salt: &[u8], purpose: &[u8]) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    let purpose = [purpose];
    let made = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let filled = made
        .expand(&purpose, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key));
    filled.map_err(|_| Error::failed("a key cannot be derived"))?;
    Ok(key)
}

/// The header for a file of this key.
pub(super) fn write(key: &FileKey, recipients: &[Recipient]) -> Result<Vec<u8>> {
    if recipients.is_empty() {
        return Err(Error::usage("there is no recipient to encrypt to"));
    }
    let mut header = VERSION.to_vec();
    for recipient in recipients {
        let secret = StaticSecret::from(random::<32>()?);
        let share = PublicKey::from(&secret);
        let wrapping = wrapping_key(&secret, &recipient.0, &share, &recipient.0)?;
        let mut wrapped = key.0.to_vec();
        let sealed = wrapping.seal_in_place_append_tag(no_nonce(), Aad::empty(), &mut wrapped);
        sealed.map_err(|_| Error::failed("the file's key cannot be wrapped"))?;
        let stanza = format!(
            "-> X25519 {}\n{}\n",
            BASE64.encode(share.as_bytes()),
            BASE64.encode(wrapped)
        );
        header.extend_from_slice(stanza.as_bytes());
    }
    header.extend_from_slice(b"---");
    let seal = hmac::sign(&sealing_key(key)?, &header);
    header.extend_from_slice(format!(" {}\n", BASE64.encode(seal)).as_bytes());
    Ok(header)
}

/// Reads a header and opens it: the file's key, and the header's length in bytes.
pub(super) fn read(input: &mut impl Read, identities: &[Identity]) -> Result<(FileKey, u64)> {
    let text = read_text(input)?;
    let end = memchr::memmem::rfind(&text, b"\n---").ok_or_else(damaged)? + "\n---".len();
    let seal = std::str::from_utf8(&text[end..]).ok();
    let seal = seal.and_then(|s| BASE64.decode(s.strip_prefix(' ')?.strip_suffix('\n')?).ok());
    let seal = seal.ok_or_else(damaged)?;
    let stanzas = std::str::from_utf8(&text[..end]).map_err(|_| damaged())?;
    let mut lines = stanzas.lines().skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some(arguments) = line.strip_prefix("-> ") else {
            continue;
        };
        let mut body = String::new();
        // A body's last line is the one shorter than the others.
        while let Some(line) = lines.next_if(|line| !line.starts_with("---")) {
            body.push_str(line);
            if line.len() < 64 {
                break;
            }
        }
        let Some((share, wrapped)) = x25519(arguments, &body)? else {
            continue;
        };
        for identity in identities {
            let Some(key) = unwrap(identity, &share, wrapped)? else {
                continue;
            };
            hmac::verify(&sealing_key(&key)?, &text[..end], &seal).map_err(|_| damaged())?;
            return Ok((key, text.len() as u64));
        }
    }
    Err(
        Error::failed("the file is encrypted, and none of the identities given opens it")
            .hint("It was encrypted for others: find the identity file that belongs to its recipients."),
    )
}

fn damaged() -> Error {
    Error::damaged("the header of the encrypted file is damaged or cut off")
}

/// The header byte by byte, for what follows it must not be read.
fn read_text(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut line = 0;
    for byte in std::io::BufReader::with_capacity(1, input).bytes() {
        text.push(byte.map_err(|e| Error::io("cannot read", e))?);
        if text.len() == VERSION.len() && text != VERSION {
            return Err(Error::damaged("the file is not encrypted by age"));
        }
        if text.ends_with(b"\n") {
            if text[line..].starts_with(b"---") {
                return Ok(text);
            }
            line = text.len();
        }
        if text.len() > LONGEST {
            break;
        }
    }
    Err(damaged())
}

/// The share and the wrapped key of a stanza for X25519; none for one of another kind.
fn x25519(arguments: &str, body: &str) -> Result<Option<(PublicKey, [u8; WRAPPED])>> {
    let Some(share) = arguments.strip_prefix("X25519 ") else {
        return Ok(None);
    };
    let share: Option<[u8; 32]> = BASE64.decode(share).ok().and_then(|s| s.try_into().ok());
    let wrapped = BASE64.decode(body).ok().and_then(|b| b.try_into().ok());
    match (share, wrapped) {
        (Some(share), Some(wrapped)) => Ok(Some((PublicKey::from(share), wrapped))),
        _ => Err(damaged()),
    }
}

/// The file's key, if it was wrapped for this identity.
fn unwrap(identity: &Identity, share: &PublicKey, mut wrapped: [u8; WRAPPED]) -> Result<Option<FileKey>> {
    let recipient = PublicKey::from(&identity.0);
    let wrapping = wrapping_key(&identity.0, share, share, &recipient)?;
    let opened = wrapping
        .open_in_place(no_nonce(), Aad::empty(), &mut wrapped)
        .ok();
    Ok(opened.and_then(|key| Some(FileKey((&*key).try_into().ok()?))))
}

fn wrapping_key(
    mine: &StaticSecret,
    theirs: &PublicKey,
    share: &PublicKey,
    recipient: &PublicKey,
) -> Result<LessSafeKey> {
    let shared = mine.diffie_hellman(theirs);
    if !shared.was_contributory() {
        return Err(damaged());
    }
    let salt = [share.as_bytes().as_slice(), recipient.as_bytes()].concat();
    aead_key(&derive(shared.as_bytes(), &salt, LABEL)?)
}

pub(super) fn aead_key(key: &[u8; 32]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key);
    Ok(LessSafeKey::new(
        key.map_err(|_| Error::failed("a key has the wrong length"))?,
    ))
}

/// The key wraps one thing only, so that its nonce may be zero.
fn no_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn sealing_key(key: &FileKey) -> Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key.derive(b"", b"header")?))
}
