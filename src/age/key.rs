//! Keys as people handle them: `age1...` may be given to everybody, `AGE-SECRET-KEY-1...` to nobody.

use bech32::{Bech32, Hrp};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::{Error, Result, secret};

const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// Whom a file is encrypted to.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(pub(super) PublicKey);

/// Who can read it.
#[derive(Clone)]
pub struct Identity(pub(super) StaticSecret);

impl Identity {
    /// The recipient that belongs to it.
    pub fn to_recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hrp = Hrp::parse(RECIPIENT).map_err(|_| std::fmt::Error)?;
        let text = bech32::encode::<Bech32>(hrp, self.0.as_bytes()).map_err(|_| std::fmt::Error)?;
        f.write_str(&text)
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipient({self})")
    }
}

impl std::str::FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Recipient, String> {
        let wrong = || {
            let shown = secret::masked(text);
            let what = match is_identity(text) {
                true => "is an age identity, which nobody else may know",
                false => "is no age recipient",
            };
            format!("{shown:?} {what}, expected age1 and 58 letters and digits")
        };
        let key = decode(text, RECIPIENT).ok_or_else(wrong)?;
        Ok(Recipient(PublicKey::from(key)))
    }
}

/// Whether a text is meant as an identity, well-formed or not.
fn is_identity(text: &str) -> bool {
    let start = text.get(..IDENTITY.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(IDENTITY))
}

/// The 32 bytes of a Bech32 text with this prefix, all in one case.
fn decode(text: &str, prefix: &str) -> Option<[u8; 32]> {
    let (hrp, bytes) = bech32::decode(text).ok()?;
    // `decode` takes Bech32m, too, which is another checksum.
    let again = bech32::encode::<Bech32>(hrp, &bytes).ok()?;
    (hrp.to_lowercase() == prefix && again.eq_ignore_ascii_case(text)).then_some(())?;
    bytes.try_into().ok()
}

/// Recipients parted by white space or commas, as a variable lists them; lines that begin with `#` are comments, as in a
/// file.
pub fn recipients(text: &str) -> Result<Vec<Recipient>, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|line| line.split([' ', '\t', ',']))
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect()
}

/// The identities of a file as `age-keygen` writes it. The text is never shown.
pub fn identities(text: &str) -> Result<Vec<Identity>> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = decode(line, IDENTITY).ok_or_else(|| {
            Error::usage(format!(
                "line {} is no age identity, expected AGE-SECRET-KEY-1 and 58 letters and digits",
                number + 1
            ))
        })?;
        found.push(Identity(StaticSecret::from(key)));
    }
    match found.is_empty() {
        true => Err(Error::usage(
            "there is no age identity in it, expected AGE-SECRET-KEY-1...",
        )),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_typing_errors_are_noticed() {
        let key = Recipient(PublicKey::from([7; 32]));
        let text = key.to_string();
        assert!(text.starts_with("age1") && text.len() == 62, "{text}");
        assert_eq!(text.parse(), Ok(key.clone()));
        let list = format!("# mine\n{text}, {text}\n\n{text}");
        assert_eq!(recipients(&list).unwrap().len(), 3);
        assert_eq!(recipients("").unwrap(), []);
        let mistyped = text.replacen(text.chars().nth(20).unwrap(), "b", 1);
        for wrong in [
            &mistyped,
            "age1",
            "ssh-ed25519 AAAA",
            &text[..61],
            "AGE-SECRET-KEY-1QQQQ",
        ] {
            assert!(recipients(wrong).is_err(), "{wrong}");
        }
        let error = recipients("AGE-SECRET-KEY-1QQQQ").unwrap_err();
        assert!(
            error.contains("is an age identity") && !error.contains("QQQQ"),
            "{error}"
        );
    }

    #[test]
    fn an_identity_that_makes_no_sense_is_told_by_its_line_and_not_shown() {
        let error = identities("# key\n\nAGE-SECRET-KEY-1VERYSECRET\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 3") && !error.contains("VERYSECRET"),
            "{error}"
        );
        assert!(identities("# nothing\n").is_err());
    }
}
