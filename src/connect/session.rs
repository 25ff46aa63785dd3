//! One connection: socket, TLS and startup; and the session that comes of it.

use std::future::{Ready, ready};
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Client};
use tokio_rustls::TlsConnector;

use super::auth::{AuthMethods, Watched};
use super::cancel::CancelHandle;
use super::copy_out::CopyReader;
use super::failure::{self, Cause};
use super::loan::Loan;
use super::settings::{Settings, Target};
use super::socket::{self, Address, Socket};
use super::tls::{self, NotNegotiated};
use super::wire::Wire;
use super::{OLDEST_MAJOR, passfile::Secret};
use crate::error::ServerMessage;
use crate::{Error, Result};

/// An open connection. Its driver runs as a task of the current tokio runtime and ends when this is dropped.
pub struct Session {
    /// The connection.
    pub client: Client,
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    /// The server's own words for its version, e.g. `15.18 (Debian 15.18-0+deb12u1)`.
    pub version_text: String,
    /// Messages of the server (notices, warnings) since the session began, to be drained by who cares.
    pub notices: mpsc::UnboundedReceiver<ServerMessage>,
    pub(super) settings: Arc<Settings>,
    /// What the server, or a pooler in its place, called its process in the startup.
    pub process_id: i32,
    reached: Reached,
    token: CancelToken,
    ended: Arc<OnceLock<Ended>>,
    loan: Loan,
}

/// Where and how a connection was made: enough to make another to the same server.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) target: Target,
    pub(super) address: Address,
    pub(super) encrypted: bool,
    pub(super) connector: Option<TlsConnector>,
}

/// Why the driver stopped.
enum Ended {
    Server(ServerMessage),
    Other(String),
}

/// Opens a session to one address, with TLS if there is a connector.
pub(super) async fn open_session(
    settings: &Settings,
    target: &Target,
    address: &Address,
    connector: Option<&TlsConnector>,
) -> Result<Session, Cause> {
    let (socket, binding, encrypted) = open(settings, target, address, connector).await?;
    let loan = Loan::new(socket);
    let password = settings.password_for(target);
    let process_id = Arc::new(AtomicI32::new(0));
    let watch = Watch {
        binding,
        methods: settings.auth.clone(),
        process_id: Arc::clone(&process_id),
    };
    let (client, mut connection) = startup(settings, password.as_ref().map(|(secret, _)| secret))
        .connect_raw(loan.lend(), watch)
        .await
        .map_err(|e| Cause::of(e, password.map(|(_, origin)| origin)))?;
    loan.begun();
    let version_text = connection
        .parameter("server_version")
        .unwrap_or_default()
        .to_string();
    let version = version_number(&version_text).ok_or_else(|| {
        Cause::Other(Error::failed(format!(
            "the server calls its version {version_text:?}"
        )))
    })?;
    refuse_old(version, &version_text).map_err(Cause::Other)?;
    let (tell, notices) = mpsc::unbounded_channel();
    let ended = Arc::new(OnceLock::new());
    let end = Arc::clone(&ended);
    tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    // Nobody listening is fine.
                    let _ = tell.send(ServerMessage::from_db(&notice));
                }
                Some(Ok(_)) => {}
                Some(Err(e)) => {
                    let why = match e.as_db_error() {
                        Some(db) => Ended::Server(ServerMessage::from_db(db)),
                        None => Ended::Other(failure::chain(&e)),
                    };
                    let _ = end.set(why);
                    break;
                }
                None => break,
            }
        }
    });
    Ok(Session {
        token: client.cancel_token(),
        client,
        version,
        version_text,
        notices,
        settings: Arc::new(settings.clone()),
        process_id: process_id.load(Ordering::Relaxed),
        reached: Reached {
            target: target.clone(),
            address: address.clone(),
            encrypted,
            connector: connector.cloned(),
        },
        ended,
        loan,
    })
}

/// Socket and TLS. The last value tells whether it is encrypted.
pub(super) async fn open(
    settings: &Settings,
    target: &Target,
    address: &Address,
    connector: Option<&TlsConnector>,
) -> Result<(Socket, Option<Vec<u8>>, bool), Cause> {
    let socket = socket::open(address, settings).await.map_err(|e| match address {
        Address::Unix(path) => Cause::Socket(path.clone(), e),
        Address::Tcp(address) => Cause::Tcp(*address, e),
    })?;
    let Some(connector) = connector else {
        return Ok((socket, None, false));
    };
    match tls::negotiate(socket, target.host.name(), &settings.tls, connector).await {
        Ok(done) => Ok((done.socket, done.binding, done.encrypted)),
        Err(NotNegotiated::NotOffered) => Err(Cause::NoTls),
        Err(NotNegotiated::Handshake(e)) => Err(Cause::Tls(e)),
        Err(NotNegotiated::Io(e)) => Err(Cause::Lost(e.to_string())),
    }
}

/// What the protocol library needs to know. TLS is behind us by then: it is told that the stream is as wanted, which is
/// also how it learns the channel binding.
fn startup(settings: &Settings, password: Option<&Secret>) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .user(settings.user())
        .dbname(settings.dbname())
        .application_name(&settings.application_name)
        .channel_binding(settings.tls.channel_binding)
        .ssl_mode(SslMode::Require)
        .ssl_negotiation(SslNegotiation::Direct)
        // Any name: the library asks only whether there is one.
        .host("localhost");
    if let Some(options) = &settings.options {
        config.options(options);
    }
    if let Some(Secret(password)) = password {
        config.password(password);
    }
    config
}

/// Wraps the negotiated stream for the protocol library.
struct Watch {
    binding: Option<Vec<u8>>,
    methods: AuthMethods,
    process_id: Arc<AtomicI32>,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> TlsConnect<S> for Watch {
    type Stream = Watched<S>;
    type Error = io::Error;
    type Future = Ready<io::Result<Watched<S>>>;

    fn connect(self, socket: S) -> Self::Future {
        ready(Ok(Watched::new(
            socket,
            self.binding,
            self.methods,
            self.process_id,
        )))
    }
}

/// `server_version_num` out of `server_version`: `15.18 (Debian ...)`, `18beta1`.
fn version_number(text: &str) -> Option<u32> {
    let number = |text: &str| -> Option<u32> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text[..digits].parse().ok()
    };
    let major = number(text)?;
    let minor = text
        .split_once('.')
        .and_then(|(_, rest)| number(rest))
        .unwrap_or(0);
    Some(major.checked_mul(10_000)? + minor)
}

fn refuse_old(version: u32, text: &str) -> Result<()> {
    if version / 10_000 >= OLDEST_MAJOR {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the server is PostgreSQL {text}: pgstow works with {OLDEST_MAJOR} and newer"
    ))
    .hint("use that server's own pg_dump, or upgrade it"))
}

impl Session {
    /// The host and port this session runs to, for people.
    pub fn host_text(&self) -> String {
        self.reached.target.to_string()
    }

    /// The settings this session was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.reached.encrypted
    }

    /// What cancels a query of this session; it may outlive the session's borrow and move to another task.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle::new(&self.token, &self.reached, &self.settings)
    }

    /// Asks the server to cancel what this session is doing; returns when the server has taken the request.
    pub async fn cancel(&self) -> Result<()> {
        self.cancel_handle().cancel().await
    }

    /// Speaks the protocol message by message from now on. No query may be running.
    pub async fn into_wire(self) -> Result<Wire> {
        self.settle().await?;
        Wire::new(&self.loan, self.cancel_handle())
    }

    /// Only receives COPY data from now on, in the transaction that is open. No query may be running.
    pub async fn into_copy_reader(self) -> Result<CopyReader> {
        self.settle().await?;
        Ok(CopyReader::new(self.loan.take_back()?, self.cancel_handle()))
    }

    /// The library closes prepared statements behind their users' backs; this waits for the answers.
    async fn settle(&self) -> Result<()> {
        let idle = self.client.batch_execute("").await;
        idle.map_err(|e| self.explain(e))
    }

    /// An error of this session, with the reason for which the connection ended, where it did: the server sends it
    /// (`terminating connection due to administrator command`) to nobody in particular.
    pub fn explain(&self, error: tokio_postgres::Error) -> Error {
        if !error.is_closed() && error.as_db_error().is_some() {
            return Error::from(error);
        }
        match self.ended.get() {
            Some(Ended::Server(message)) => {
                Error::failed("the server ended the connection").with_server(message.clone())
            }
            Some(Ended::Other(why)) => Error::failed(format!("the connection to the server was lost: {why}")),
            None => Error::from(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_a_server_writes_its_version_is_read() {
        for (text, number) in [
            ("15.18 (Debian 15.18-0+deb12u1)", 150_018),
            ("13.23", 130_023),
            ("18beta1", 180_000),
            ("19devel", 190_000),
            ("15.4.0", 150_004),
            ("9.6.24", 90_006),
        ] {
            assert_eq!(version_number(text), Some(number), "{text}");
        }
        assert_eq!(version_number("CockroachDB"), None);
    }

    #[test]
    fn a_server_too_old_is_refused_by_its_own_words() {
        assert!(refuse_old(130_000, "13beta1").is_ok());
        let error = refuse_old(120_022, "12.22 (Debian)").unwrap_err().to_string();
        assert!(
            error.contains("12.22 (Debian)") && error.contains("13 and newer"),
            "{error}"
        );
    }
}
