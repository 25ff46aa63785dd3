//! One HTTP/1.1 request over a connection of its own. It follows no redirects and knows no proxies.
//!
//! Certificates are checked against the roots compiled in, and against those in the file that `SSL_CERT_FILE` names: an
//! image without files has no others.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use crate::{Error, Result};

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// What can go wrong on the way.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A connection that could not be made, as opposed to one that broke.
#[derive(Debug)]
pub struct CannotConnect(Failure);

impl std::fmt::Display for CannotConnect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CannotConnect {}

/// Sends a request whose URI is absolute. The answer's body comes as it is read.
///
/// Errors: [`CannotConnect`] before anything was sent, otherwise hyper's.
pub async fn send<B>(request: Request<B>) -> Result<Response<Incoming>, Failure>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Failure>,
{
    let uri = request.uri().clone();
    let secure = uri.scheme_str() == Some("https");
    let connecting = tokio::time::timeout(PATIENCE, connect(&uri));
    let connected = match connecting.await {
        Ok(connected) => connected,
        Err(_) => Err(format!("no connection within {} s", PATIENCE.as_secs()).into()),
    };
    let stream = connected.map_err(CannotConnect)?;
    let request = relative(request, &uri)?;
    if !secure {
        return exchange(stream, request).await;
    }
    let name = ServerName::try_from(host(&uri).to_string()).map_err(|e| CannotConnect(e.into()))?;
    let connector = tokio_rustls::TlsConnector::from(tls().map_err(|e| CannotConnect(e.into()))?);
    let shaking = tokio::time::timeout(PATIENCE, connector.connect(name, stream));
    let stream = match shaking.await {
        Ok(done) => done.map_err(|e| CannotConnect(e.into()))?,
        Err(_) => return Err(CannotConnect("the TLS handshake takes too long".into()).into()),
    };
    exchange(stream, request).await
}

async fn connect(uri: &Uri) -> Result<TcpStream, Failure> {
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let stream = TcpStream::connect((host(uri), uri.port_u16().unwrap_or(default))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The host; an IPv6 address stands in brackets in a URL only.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// The request as it stands on the wire: path and query, and the host as a header.
fn relative<B>(mut request: Request<B>, uri: &Uri) -> Result<Request<B>, Failure> {
    let authority = uri.authority().map_or("", |a| a.as_str());
    // What stands before an @ is for us and not for the server.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let authority = HeaderValue::from_str(authority)?;
    *request.uri_mut() = uri.path_and_query().map_or("/", |p| p.as_str()).parse()?;
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert(authority);
    let agent = HeaderValue::from_static(concat!("pgstow/", env!("CARGO_PKG_VERSION")));
    headers.entry(USER_AGENT).or_insert(agent);
    Ok(request)
}

async fn exchange<S, B>(stream: S, request: Request<B>) -> Result<Response<Incoming>, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Failure>,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends by itself: when the answer has been read, or when nobody wants it any more.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// The settings of every TLS connection that is not to a PostgreSQL server.
fn tls() -> Result<Arc<ClientConfig>> {
    static MADE: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(made) = MADE.get() {
        return Ok(Arc::clone(made));
    }
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        let shown = path.display().to_string();
        let wrong = |e: &dyn std::fmt::Display| {
            Error::usage(format!(
                "SSL_CERT_FILE names {shown}, which has no certificates: {e}"
            ))
        };
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|e| wrong(&e))? {
            let certificate = certificate.map_err(|e| wrong(&e))?;
            roots.add(certificate).map_err(|e| wrong(&e))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::failed("TLS cannot be used").because(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(MADE.get_or_init(|| Arc::new(config))))
}
