//! Texts without the secrets that people put into URLs and variables: what is told, logged or kept must not have them.
//!
//! Not promised: that a secret is found in a text without any form. What only its owner knows to be one (the path of a
//! webhook) must not get into a text at all.

use std::borrow::Cow;

/// Stands where a secret stood.
pub const MASK: &str = "***";

/// What ends a URL in a sentence.
const ENDS: [char; 5] = ['"', '\'', '`', '<', '>'];

/// A text without user and password of URLs, `password=...` of connection strings, and age identities.
pub fn masked(text: &str) -> Cow<'_, str> {
    mask(text, false)
}

/// The same without the queries of URLs, too: other programs' errors quote what was signed.
pub fn masked_with_queries(text: &str) -> Cow<'_, str> {
    mask(text, true)
}

fn mask(text: &str, queries: bool) -> Cow<'_, str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let url = &text[start..];
        let url = &url[..url
            .find(|c: char| c.is_whitespace() || ENDS.contains(&c))
            .unwrap_or(url.len())];
        let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        let password_has_slash = || {
            let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
            url.contains('@') && !authority.starts_with('[') && !port.bytes().all(|b| b.is_ascii_digit())
        };
        if let Some(end) = authority.rfind('@') {
            found.push(start..start + end);
        } else if password_has_slash() {
            found.push(start..start + url.rfind('@').unwrap_or(url.len()));
        }
        if let Some(query) = url.find('?').filter(|_| queries) {
            found.push(start + query + 1..start + url.len());
        }
    }
    let lower = text.to_ascii_lowercase();
    for (marker, ends) in [("age-secret-key-1", &ENDS[..]), ("password=", &['&'][..])] {
        for (at, _) in lower.match_indices(marker) {
            let start = at + marker.len();
            found.push(start..start + value_length(&text[start..], ends));
        }
    }
    found.retain(|range| !range.is_empty());
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| range.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= done {
            out += &text[done..range.start];
            out += MASK;
        }
        done = done.max(range.end);
    }
    Cow::Owned(out + &text[done..])
}

/// The length of a value at the beginning of a text: of all between quotes, or up to the next space or one of `ends`.
fn value_length(text: &str, ends: &[char]) -> usize {
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.find('\''));
    let end = |c: char| c.is_whitespace() || ends.contains(&c);
    quoted.map_or_else(|| text.find(end).unwrap_or(text.len()), |length| length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_not_shown_and_the_rest_is() {
        for (text, shown) in [
            ("cannot read /a/b", "cannot read /a/b"),
            ("at https://host:8443/a@b, x", "at https://host:8443/a@b, x"),
            ("at https://me:pw@host/a", "at https://***@host/a"),
            ("\"https://me:p@w@host/a\" b@c", "\"https://***@host/a\" b@c"),
            ("https://me:p/w@host/a", "https://***@host/a"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            (
                "postgres://a:b@h,i/d and s3://k:s@b",
                "postgres://***@h,i/d and s3://***@b",
            ),
            ("host=h password=p user=u", "host=h password=*** user=u"),
            ("PASSWORD='p w' user=u", "PASSWORD=*** user=u"),
            (
                "postgres://h/d?password=p&user=u",
                "postgres://h/d?password=***&user=u",
            ),
            (
                "\"age-secret-key-1qqq\" is no key",
                "\"age-secret-key-1***\" is no key",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
        let signed = "GET http://a:b@h/c?sig=abc&x=y: 403, http://h/d?e";
        assert_eq!(
            masked_with_queries(signed),
            "GET http://***@h/c?*** 403, http://h/d?***"
        );
        assert_eq!(
            masked(signed),
            "GET http://***@h/c?sig=abc&x=y: 403, http://h/d?e"
        );
        let both = "postgres://a:b@h/d?password=c";
        assert_eq!(masked_with_queries(both), "postgres://***@h/d?***");
    }
}
