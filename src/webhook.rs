//! Tells other services how a backup went: a POST of some JSON or text to a URL. It follows no redirects, knows no
//! proxies, and never fails a backup.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use crate::{Error, Result};

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

    async fn send(
        &self,
        kind: &'static str,
        text: &str,
    ) -> Result<hyper::StatusCode, Box<dyn std::error::Error + Send + Sync>> {
        let secure = self.0.scheme_str() == Some("https");
        let port = self.0.port_u16().unwrap_or(if secure { 443 } else { 80 });
        // An IPv6 address stands in brackets in a URL only.
        let host = self.host().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, port)).await?;
        let path = self.0.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header("host", self.0.authority().map_or("", |a| a.as_str()))
            .header("user-agent", concat!("pgstow/", env!("CARGO_PKG_VERSION")))
            .header("content-type", kind)
            .header("connection", "close")
            .body(Full::new(Bytes::from(text.to_string())))?;
        if !secure {
            return Ok(exchange(stream, request).await?);
        }
        let name = ServerName::try_from(host.to_string())?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(tls()?));
        Ok(exchange(connector.connect(name, stream).await?, request).await?)
    }
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<hyper::StatusCode, hyper::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    driver.abort();
    Ok(answer?.status())
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
