//! Tells other services how a backup went: a POST of some JSON or text to a URL. It follows no redirects, knows no
//! proxies, and never fails a backup.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Uri};

use crate::{Error, Result, http};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts, and the pause between them.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// Where to tell. Its path may be a secret, so only the host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook(Uri);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hook({})", self.host())
    }
}

impl std::str::FromStr for Hook {
    type Err = String;

    fn from_str(text: &str) -> Result<Hook, String> {
        let wrong = || "expected a URL such as https://example.org/path".to_string();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(_)) => Ok(Hook(uri)),
            _ => Err(wrong()),
        }
    }
}

impl Hook {
    /// The same with something after its path: `start`, `fail`.
    pub fn below(&self, name: &str) -> Result<Hook> {
        let uri = &self.0;
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        let text = format!(
            "{}://{}{}/{name}{query}",
            uri.scheme_str().unwrap_or("https"),
            uri.authority().map_or("", |a| a.as_str()),
            uri.path().trim_end_matches('/')
        );
        text.parse().map_err(Error::usage)
    }

    /// The host, for people.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Posts a text, trying again when it does not arrive.
    pub async fn post(&self, kind: &'static str, text: &str) -> Result<()> {
        for _ in 1..ATTEMPTS {
            match self.attempt(kind, text).await {
                Ok(()) => return Ok(()),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        self.attempt(kind, text).await
    }

    async fn attempt(&self, kind: &'static str, text: &str) -> Result<()> {
        let whole = tokio::time::timeout(PATIENCE, self.send(kind, text));
        let failed = |why: String| Error::failed(format!("cannot tell {}: {why}", self.host()));
        match whole.await {
            Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
            Ok(Err(e)) => Err(failed(e.to_string())),
            Ok(Ok(code)) if code.is_success() => Ok(()),
            Ok(Ok(code)) => Err(failed(format!("it answered {code}, expected success"))),
        }
    }

    async fn send(&self, kind: &'static str, text: &str) -> Result<hyper::StatusCode, http::Failure> {
        let request = Request::post(self.0.clone())
            .header("content-type", kind)
            .header("connection", "close")
            .body(Full::new(Bytes::from(text.to_string())))?;
        Ok(http::send(request).await?.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_a_url_whose_path_is_never_shown() {
        let hook: Hook = "https://example.org/secret?a=b".parse().unwrap();
        assert_eq!(format!("{hook:?}"), "Hook(example.org)");
        assert_eq!(
            hook.below("start").unwrap().0,
            "https://example.org/secret/start?a=b"
        );
        for wrong in ["", "example.org", "ftp://example.org", "/path", "https://"] {
            assert!(wrong.parse::<Hook>().is_err(), "{wrong}");
        }
    }
}
