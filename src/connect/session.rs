//! Making a connection: every host in turn, every address of it, with and without TLS as the settings allow; and the
//! session that comes of it.

use std::future::{Ready, ready};
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Client, SimpleQueryMessage};
use tokio_rustls::TlsConnector;

use super::auth::{AuthMethods, Watched};
use super::failure::{self, Cause, Failure};
use super::settings::{Host, SessionKind, Settings, Target};
use super::socket::{self, Address, Socket};
use super::tls::{self, Mode, NotNegotiated};
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
    pub(super) process_id: i32,
    reached: Reached,
    token: CancelToken,
    ended: Arc<OnceLock<Ended>>,
}

/// Where and how a connection was made: enough to make another to the same server.
#[derive(Clone)]
struct Reached {
    target: Target,
    address: Address,
    encrypted: bool,
    connector: Option<TlsConnector>,
}

/// Why the driver stopped.
enum Ended {
    Server(ServerMessage),
    Other(String),
}

/// Connects; says where it could not and why.
pub async fn connect(settings: &Settings) -> Result<Session> {
    match try_all(settings).await? {
        Ok(session) => Ok(session),
        Err(failures) => Err(failure::explain(settings, failures).await),
    }
}

/// The inner error is the list of what failed where.
pub(super) async fn try_all(settings: &Settings) -> Result<Result<Session, Vec<Failure>>> {
    let connector = match settings.tls.mode {
        Mode::Disable => None,
        _ => Some(settings.tls.load()?),
    };
    let mut targets: Vec<&Target> = settings.targets.iter().collect();
    if settings.shuffle_hosts {
        shuffle(&mut targets);
    }
    // Any session is better than none only after every host has been asked for a standby.
    let passes: &[SessionKind] = match settings.session_kind {
        SessionKind::PreferStandby => &[SessionKind::Standby, SessionKind::Any],
        _ => &[settings.session_kind],
    };
    let mut failures = Vec::new();
    for kind in passes {
        failures.clear();
        for target in &targets {
            let addresses = match addresses(target, settings.shuffle_hosts).await {
                Ok(addresses) => addresses,
                Err(e) => {
                    failures.push(Failure::new(target, Cause::NoSuchHost(e)));
                    continue;
                }
            };
            for address in addresses {
                match reach(settings, target, &address, connector.as_ref(), *kind).await {
                    Ok(session) => return Ok(Ok(session)),
                    Err(cause) => {
                        let last = cause.is_final();
                        failures.push(Failure::new(target, cause));
                        if last {
                            return Ok(Err(failures));
                        }
                    }
                }
            }
        }
    }
    Ok(Err(failures))
}

/// The addresses of a host, in the order to try them.
async fn addresses(target: &Target, shuffled: bool) -> io::Result<Vec<Address>> {
    match &target.host {
        Host::Socket(dir) => Ok(vec![Address::Unix(format!("{dir}/.s.PGSQL.{}", target.port))]),
        Host::Tcp {
            address: Some(address),
            ..
        } => Ok(vec![Address::Tcp((*address, target.port).into())]),
        Host::Tcp { name, .. } => {
            let found = tokio::net::lookup_host((name.as_str(), target.port)).await?;
            let mut all: Vec<_> = found.map(Address::Tcp).collect();
            all.dedup();
            if shuffled {
                shuffle(&mut all);
            }
            Ok(all)
        }
    }
}

/// A different order in every process; nothing secret hangs on it.
fn shuffle<T>(items: &mut [T]) {
    use std::hash::{BuildHasher, RandomState};
    for at in (1..items.len()).rev() {
        let random = RandomState::new().hash_one(at);
        items.swap(at, (random % (at as u64 + 1)) as usize);
    }
}

/// One address, with and without TLS as the mode has it, and whether the session is of the kind wanted.
async fn reach(
    settings: &Settings,
    target: &Target,
    address: &Address,
    connector: Option<&TlsConnector>,
    kind: SessionKind,
) -> Result<Session, Cause> {
    // Whoever could listen on a unix socket could read the memory too: TLS is for networks.
    let mode = match address {
        Address::Unix(_) => Mode::Disable,
        Address::Tcp(_) => settings.tls.mode,
    };
    let connector = connector.filter(|_| mode != Mode::Disable);
    let session = match mode {
        Mode::Disable => attempt(settings, target, address, None).await,
        Mode::Allow => match attempt(settings, target, address, None).await {
            Err(cause) if cause.may_depend_on_tls() => attempt(settings, target, address, connector).await,
            done => done,
        },
        Mode::Prefer => match attempt(settings, target, address, connector).await {
            // The first refusal tells more than a second one.
            Err(first) if first.may_depend_on_tls() => {
                attempt(settings, target, address, None).await.map_err(|_| first)
            }
            done => done,
        },
        _ => attempt(settings, target, address, connector).await,
    }?;
    match unfit(&session, kind).await? {
        Some(why) => Err(Cause::WrongKind(why)),
        None => Ok(session),
    }
}

/// One attempt, within the time limit.
async fn attempt(
    settings: &Settings,
    target: &Target,
    address: &Address,
    connector: Option<&TlsConnector>,
) -> Result<Session, Cause> {
    let work = open_session(settings, target, address, connector);
    match settings.connect_timeout {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .unwrap_or(Err(Cause::TimedOut(limit))),
    }
}

async fn open_session(
    settings: &Settings,
    target: &Target,
    address: &Address,
    connector: Option<&TlsConnector>,
) -> Result<Session, Cause> {
    let (socket, binding, encrypted) = open(settings, target, address, connector).await?;
    let password = settings.password_for(target);
    let process_id = Arc::new(AtomicI32::new(0));
    let watch = Watch {
        binding,
        methods: settings.auth.clone(),
        process_id: Arc::clone(&process_id),
    };
    let (client, mut connection) = startup(settings, password.as_ref().map(|(secret, _)| secret))
        .connect_raw(socket, watch)
        .await
        .map_err(|e| Cause::of(e, password.map(|(_, origin)| origin)))?;
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
    })
}

/// Socket and TLS. The last value tells whether it is encrypted.
async fn open(
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

impl TlsConnect<Socket> for Watch {
    type Stream = Watched<Socket>;
    type Error = io::Error;
    type Future = Ready<io::Result<Watched<Socket>>>;

    fn connect(self, socket: Socket) -> Self::Future {
        ready(Ok(Watched::new(
            socket,
            self.binding,
            self.methods,
            self.process_id,
        )))
    }
}

/// Why the session is not of the wanted kind, if it is not.
async fn unfit(session: &Session, kind: SessionKind) -> Result<Option<&'static str>, Cause> {
    if matches!(kind, SessionKind::Any | SessionKind::PreferStandby) {
        return Ok(None);
    }
    let rows = session
        .client
        .simple_query(
            "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on'",
        )
        .await
        .map_err(|e| Cause::of(e, None))?;
    let row = rows.iter().find_map(|m| match m {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("t"))),
        _ => None,
    });
    let (standby, read_only) = row.unwrap_or_default();
    Ok(match kind {
        SessionKind::ReadWrite if standby || read_only => Some("it takes no writes"),
        SessionKind::ReadOnly if !standby && !read_only => Some("it takes writes"),
        SessionKind::Primary if standby => Some("it is a standby"),
        SessionKind::Standby if !standby => Some("it is no standby"),
        _ => None,
    })
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
        CancelHandle {
            token: self.token.clone(),
            reached: self.reached.clone(),
            settings: Arc::clone(&self.settings),
        }
    }

    /// Asks the server to cancel what this session is doing; returns when the server has taken the request.
    pub async fn cancel(&self) -> Result<()> {
        self.cancel_handle().cancel().await
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

/// Cancels a session's query from outside of it.
#[derive(Clone)]
pub struct CancelHandle {
    token: CancelToken,
    reached: Reached,
    settings: Arc<Settings>,
}

impl CancelHandle {
    /// Asks the server to cancel the query that the session is running, if any. Gives up after ten seconds: whoever
    /// cancels does not want to wait for a server that is gone.
    pub async fn cancel(&self) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(10);
        let work = async {
            let connector = self.reached.connector.as_ref().filter(|_| self.reached.encrypted);
            let (mut socket, ..) = open(
                &self.settings,
                &self.reached.target,
                &self.reached.address,
                connector,
            )
            .await?;
            self.token
                .cancel_query_raw(&mut socket, Forward)
                .await
                .map_err(|e| Cause::of(e, None))?;
            // The server says nothing; it closes the connection when it has acted.
            let _ = socket.read_u8().await;
            Ok(())
        };
        let cause = match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(cause)) => cause,
            Err(_) => Cause::TimedOut(LIMIT),
        };
        Err(Error::failed(format!(
            "cannot ask {} to cancel: {}",
            self.reached.target,
            cause.text(&self.settings)
        )))
    }
}

/// Hands a stream on as it is.
struct Forward;

impl<'a> TlsConnect<&'a mut Socket> for Forward {
    type Stream = Watched<&'a mut Socket>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Stream>>;

    fn connect(self, socket: &'a mut Socket) -> Self::Future {
        ready(Ok(Watched::new(
            socket,
            None,
            AuthMethods::default(),
            Arc::default(),
        )))
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
