//! Secrets in statements, hidden where a statement is shown: passwords of roles and user mappings, connection strings of
//! subscriptions and foreign servers.
//!
//! Known by the name that stands before a value, or by what the value says. Not promised: a secret in a comment, a
//! function's body under another name, or rows.

use std::borrow::Cow;
use std::ops::Range;

use crate::script::{Word, words_at};

/// Parts of the names of values that nobody else may see.
const SECRET: &[&str] = &[
    "passw",
    "passfile",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "conninfo",
    "access_key",
    "api_key",
    "private_key",
];

const HIDDEN: &[u8] = b"'***'";

/// A statement, or its beginning, without the secrets in it.
pub(super) fn redacted(text: &[u8]) -> Cow<'_, [u8]> {
    without(text, &secrets(text))
}

/// What the server says of a statement within others, which stands in double quotes.
pub(super) fn redacted_context(text: &str) -> String {
    let unquoted = text.replace('"', " ");
    let left = without(text.as_bytes(), &secrets(unquoted.as_bytes()));
    String::from_utf8_lossy(&left).into_owned()
}

fn without<'a>(text: &'a [u8], secrets: &[Range<usize>]) -> Cow<'a, [u8]> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::new();
    let mut kept = 0;
    for secret in secrets {
        out.extend_from_slice(&text[kept..secret.start]);
        out.extend_from_slice(HIDDEN);
        kept = secret.end;
    }
    out.extend_from_slice(&text[kept..]);
    Cow::Owned(out)
}

/// Where they stand.
fn secrets(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut name_is_secret = false;
    for (range, word) in words_at(text) {
        match &word {
            Word::Text(value) => {
                if name_is_secret || tells_a_secret(value) {
                    found.push(range);
                }
                name_is_secret = false;
            }
            // `E'...'`, `password = '...'`
            Word::Bare(prefix) if matches!(prefix.to_ascii_lowercase().as_slice(), b"e" | b"u" | b"to") => {}
            Word::Other(b'=' | b'&' | b':' | b'(') => {}
            Word::Bare(name) => name_is_secret = is_secret(name),
            Word::Name(name) => name_is_secret = is_secret(name),
            Word::Other(_) => name_is_secret = false,
        }
    }
    found
}

fn is_secret(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    name == "connection" || SECRET.iter().any(|part| name.contains(part))
}

/// A connection string with a password in it, or statements within a string.
fn tells_a_secret(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    let named = value.match_indices("passw").any(|(at, _)| {
        let rest = value[at..].trim_start_matches(char::is_alphanumeric).trim_start();
        rest.starts_with(['=', '\'', '"'])
    });
    let login = value.split_once("://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        host.split_once('@').is_some_and(|(login, _)| login.contains(':'))
    });
    named || login
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_connection_strings_are_not_shown() {
        for (text, want) in [
            (
                "ALTER ROLE a WITH LOGIN PASSWORD 'SCRAM-SHA-256$4096:x' VALID UNTIL 'infinity';",
                "ALTER ROLE a WITH LOGIN PASSWORD '***' VALID UNTIL 'infinity';",
            ),
            (
                "CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'a', password 'it''s', \"sslPassword\" E'a\\'b');",
                "CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'a', password '***', \"sslPassword\" E'***');",
            ),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'host=h password = x' PUBLICATION p WITH (connect = false, slot_name = 's');",
                "CREATE SUBSCRIPTION s CONNECTION '***' PUBLICATION p WITH (connect = false, slot_name = 's');",
            ),
            (
                "ALTER SERVER s OPTIONS (SET host 'h', ADD passfile '/x', location 'postgres://u:p@h/d');",
                "ALTER SERVER s OPTIONS (SET host 'h', ADD passfile '***', location '***');",
            ),
            ("DO 'BEGIN CREATE ROLE a PASSWORD ''x''; END';", "DO '***';"),
            (
                "ALTER ROLE a SET app.secret_key TO 'x';",
                "ALTER ROLE a SET app.secret_key TO '***';",
            ),
            ("ALTER ROLE a PASSWORD 'cut sho", "ALTER ROLE a PASSWORD '***'"),
            (
                "CREATE TABLE t (password text DEFAULT 'none', at text DEFAULT 'http://h/a:b@c');",
                "CREATE TABLE t (password text DEFAULT 'none', at text DEFAULT 'http://h/a:b@c');",
            ),
            (
                "ALTER ROLE a WITH PASSWORD NULL;",
                "ALTER ROLE a WITH PASSWORD NULL;",
            ),
        ] {
            assert_eq!(String::from_utf8_lossy(&redacted(text.as_bytes())), want);
        }
        assert_eq!(
            redacted_context("SQL statement \"ALTER ROLE \"a\" PASSWORD 'x'\"\nline 1"),
            "SQL statement \"ALTER ROLE \"a\" PASSWORD '***'\"\nline 1"
        );
    }
}
