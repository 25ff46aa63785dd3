//! Where a place is, as a URL: `s3://bucket/prefix`, `gs://`, `az://`, `https://` (WebDAV), `file:///`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

/// A place's URL, understood. What may be secret in it (user, password, query) is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    kind: Kind,
    /// Decoded, without slashes at its ends.
    path: String,
}

/// Which backend answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// S3 and all that speak it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
    /// A WebDAV server.
    WebDav,
    /// A directory.
    Directory,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let expected = "expected s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, https://host/path \
                        (WebDAV) or file:///directory";
        let url = Url::parse(text).map_err(|_| expected.to_string())?;
        let kind = match (url.scheme(), url.host_str()) {
            ("s3", Some(_)) => Kind::S3,
            ("gs", Some(_)) => Kind::Google,
            ("az", Some(_)) => Kind::Azure,
            ("http" | "https", Some(_)) => Kind::WebDav,
            ("file", None | Some("")) if url.path() != "/" => Kind::Directory,
            _ => return Err(expected.into()),
        };
        let path = percent_decoded(url.path().trim_matches('/')).ok_or("its path is not UTF-8")?;
        Ok(Address { url, kind, path })
    }
}

/// The text behind `%` escapes.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

impl Address {
    /// Whether a text is meant as an address and not as a file's name.
    pub fn is_meant(text: &str) -> bool {
        text.split_once("://")
            .is_some_and(|(scheme, _)| ["s3", "gs", "az", "http", "https", "file"].contains(&scheme))
    }

    /// Which backend answers there.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The path in the bucket or on the server, without slashes at its ends.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The directory that is meant, if it is one.
    pub(super) fn directory(&self) -> Option<PathBuf> {
        (self.kind == Kind::Directory).then(|| Path::new("/").join(&self.path))
    }

    /// The URL itself, with its secrets.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The address of something below it, for people.
    pub fn below(&self, relative: &str) -> String {
        let text = self.to_string();
        format!("{}/{relative}", text.trim_end_matches('/'))
    }

    /// The address of what holds this, and the name of this in it.
    pub fn split(&self) -> Option<(Address, String)> {
        let (parent, name) = match self.path.rsplit_once('/') {
            Some((parent, name)) => (parent, name),
            None => ("", self.path.as_str()),
        };
        (!name.is_empty()).then_some(())?;
        let mut url = self.url.clone();
        url.set_path(parent);
        let address = Address {
            url,
            kind: self.kind,
            path: parent.to_string(),
        };
        Some((address, name.to_string()))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let port = self.url.port().map_or(String::new(), |port| format!(":{port}"));
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{}://{host}{port}/{}", self.url.scheme(), self.path)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_a_url_whose_secrets_are_never_shown() {
        for (text, kind, path, shown) in [
            ("s3://bucket/a/b/", Kind::S3, "a/b", "s3://bucket/a/b"),
            ("s3://bucket", Kind::S3, "", "s3://bucket/"),
            ("gs://bucket/x", Kind::Google, "x", "gs://bucket/x"),
            ("az://box/x", Kind::Azure, "x", "az://box/x"),
            (
                "file:///mnt/my%20nas",
                Kind::Directory,
                "mnt/my nas",
                "file:///mnt/my nas",
            ),
            (
                "https://me:secret@dav.example.org:8443/a?token=secret",
                Kind::WebDav,
                "a",
                "https://dav.example.org:8443/a",
            ),
        ] {
            let address = address(text);
            assert_eq!((address.kind(), address.path()), (kind, path), "{text}");
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"));
        }
        assert_eq!(address("s3://bucket").below("daily/x"), "s3://bucket/daily/x");
        let (parent, name) = address("s3://bucket/a/daily/x.sql.gz").split().unwrap();
        assert_eq!(
            (parent.to_string(), name.as_str()),
            ("s3://bucket/a/daily".into(), "x.sql.gz")
        );
        assert!(address("s3://bucket").split().is_none());
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_was_expected() {
        for wrong in [
            "",
            "bucket/x",
            "/mnt/nas",
            "s3:bucket",
            "s3:///x",
            "ftp://host/x",
            "file://host/x",
            "file:///",
        ] {
            let error = wrong.parse::<Address>().unwrap_err();
            assert!(error.contains("expected s3://bucket/prefix"), "{wrong}: {error}");
        }
        assert!(Address::is_meant("s3://bucket/x"));
        assert!(!Address::is_meant("daily/app_2026-11-22_03-00-05.sql.gz"));
    }
}
