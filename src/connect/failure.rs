//! Why a connection could not be made, in words for the person who has to mend it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::params::nearest;
use super::settings::{SOCKET_DIRS, Settings, Target};
use crate::Error;
use crate::error::ServerMessage;

/// What went wrong at one place.
pub(super) struct Failure {
    target: Target,
    cause: Cause,
}

pub(super) enum Cause {
    NoSuchHost(io::Error),
    Socket(String, io::Error),
    Tcp(SocketAddr, io::Error),
    TimedOut(Duration),
    NoTls,
    Tls(io::Error),
    /// The connection broke during the startup.
    Lost(String),
    /// The server refused, and where the password came from.
    Server(ServerMessage, Option<String>),
    NoPassword,
    /// Our own side ended the authentication: channel binding, a method that is not accepted.
    Refused(String),
    WrongKind(&'static str),
    Other(Error),
}

/// Marks the errors that a password, typed in, may cure.
#[derive(Debug)]
struct PasswordWanted;

impl fmt::Display for PasswordWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password is wanted")
    }
}

impl std::error::Error for PasswordWanted {}

/// The server wants a password and none was given: the moment to ask a person for it.
pub fn wants_password(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|e| e.is::<PasswordWanted>())
}

/// An error and its causes, without repetition.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(e) = next {
        let more = e.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = e.source();
    }
    text
}

impl Cause {
    /// What the protocol library's error means.
    pub(super) fn of(error: tokio_postgres::Error, password_origin: Option<String>) -> Cause {
        if let Some(db) = error.as_db_error() {
            return Cause::Server(ServerMessage::from_db(db), password_origin);
        }
        let text = chain(&error);
        let source = std::error::Error::source(&error);
        match source.and_then(|e| e.downcast_ref::<io::Error>()) {
            Some(e) if e.kind() == io::ErrorKind::PermissionDenied => return Cause::Refused(e.to_string()),
            Some(_) => return Cause::Lost(text),
            None => {}
        }
        // The library has no kind of its own for this.
        if text.contains("password missing") {
            return Cause::NoPassword;
        }
        if error.is_closed() {
            return Cause::Lost("the server closed the connection without a word".into());
        }
        Cause::Refused(text)
    }

    /// No other host will be asked: this one is there and said no. As libpq does it.
    pub(super) fn is_final(&self) -> bool {
        match self {
            // Starting up, shutting down, too many connections: another host may do.
            Cause::Server(message, _) => !message.code.starts_with("57") && !message.code.starts_with("53"),
            Cause::NoPassword | Cause::Refused(_) | Cause::Other(_) => true,
            _ => false,
        }
    }

    /// It may go another way with TLS, or without.
    pub(super) fn may_depend_on_tls(&self) -> bool {
        match self {
            Cause::Tls(_) => true,
            // invalid_authorization_specification: pg_hba.conf has no line for this kind of connection.
            Cause::Server(message, _) => message.code == "28000",
            _ => false,
        }
    }

    /// What happened, without where.
    pub(super) fn text(&self, settings: &Settings) -> String {
        match self {
            Cause::NoSuchHost(e) => format!("no address for this name ({e})"),
            Cause::Socket(path, e) if e.kind() == io::ErrorKind::NotFound => {
                format!("there is no socket {path}")
            }
            Cause::Socket(path, e) => format!("socket {path}: {}", plain(e)),
            Cause::Tcp(address, e) => format!("{} (address {})", plain(e), address.ip()),
            Cause::TimedOut(limit) => format!("no answer within {} s", limit.as_secs()),
            Cause::NoTls => "the server has no TLS, but sslmode asks for it".into(),
            Cause::Tls(e) => format!("TLS failed: {}", chain(e)),
            Cause::Lost(why) => format!("the connection broke: {why}"),
            Cause::Server(message, origin) => match (message.code.as_str(), origin) {
                ("28P01", Some(origin)) => {
                    format!(
                        "the server refuses the password of role {:?} (from {origin})",
                        settings.user()
                    )
                }
                ("28P01", None) => format!("the server refuses role {:?}", settings.user()),
                ("28000", _) => format!("the server refuses role {:?} on this connection", settings.user()),
                ("3D000", _) => format!("there is no database {:?}", settings.dbname()),
                ("57P03", _) => "the server takes no connections yet".into(),
                ("53300", _) => "the server has no connection left".into(),
                _ => "the server refuses the connection".into(),
            },
            Cause::NoPassword => format!(
                "the server wants a password for role {:?}, and none is given",
                settings.user()
            ),
            Cause::Refused(why) => why.clone(),
            Cause::WrongKind(why) => {
                format!("not the kind of session that target_session_attrs asks for: {why}")
            }
            Cause::Other(e) => e.message().to_string(),
        }
    }

    fn hint(&self, settings: &Settings, target: &Target) -> Option<String> {
        let by_default = settings.targets.len() > SOCKET_DIRS.len()
            && SOCKET_DIRS
                .iter()
                .zip(&settings.targets)
                .all(|(dir, t)| t.host.name() == *dir);
        let hint = match self {
            Cause::Socket(..) | Cause::Tcp(..) if by_default => {
                "no host was given; set PGHOST and PGPORT (or -h and -p) to where the server is".into()
            }
            Cause::NoSuchHost(_) => format!("check PGHOST (or -h): {:?} must be a name this machine can resolve", target.host.name()),
            Cause::Socket(_, e) if e.kind() == io::ErrorKind::PermissionDenied => {
                "this user may not open the socket".into()
            }
            Cause::Socket(..) => "is the server running, with this directory in unix_socket_directories and this port? for a server in a container, give its host name".into(),
            Cause::Tcp(_, e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                "is the server running there, on this port, with this address in listen_addresses?".into()
            }
            Cause::Tcp(..) => "check the host, the network and the firewall between".into(),
            Cause::TimedOut(_) => "check the host, the port and the firewall between; PGCONNECT_TIMEOUT sets the limit in seconds, 0 waits for ever".into(),
            Cause::NoTls => "use sslmode=prefer to go without, where the network is trusted".into(),
            Cause::Tls(_) if settings.tls.direct => "sslnegotiation=direct needs PostgreSQL 17 or newer".into(),
            Cause::Tls(_) => "check sslmode (PGSSLMODE) and sslrootcert (PGSSLROOTCERT); verify-full needs the host by the name in its certificate".into(),
            Cause::NoPassword => match settings.warnings() {
                [] => "set PGPASSWORD or PGPASSWORD_FILE, or add a line to ~/.pgpass (PGPASSFILE), or type it with -W".into(),
                warnings => warnings.join("; "),
            },
            Cause::Server(message, origin) => match (message.code.as_str(), origin) {
                ("28P01", Some(_)) => "check the password there, and the role".into(),
                ("28000", _) if message.message.contains("pg_hba.conf") => {
                    "the server's administrator must allow this host, role and database in pg_hba.conf".into()
                }
                ("28000", _) => "check the role: PGUSER or -U".into(),
                ("57P03", _) => "it is starting up, shutting down or recovering; try again in a moment".into(),
                ("53300", _) => "try again later, or raise max_connections".into(),
                _ => return message.message.contains("unsupported startup parameter").then(|| {
                    "a connection pooler stands before the server; leave out PGOPTIONS, or have it ignore that parameter".into()
                }),
            },
            Cause::Other(e) => return e.hint_text().map(str::to_string),
            Cause::Lost(_) => "is that a PostgreSQL server? its log may say more".into(),
            Cause::Refused(_) | Cause::WrongKind(_) => return None,
        };
        Some(hint)
    }
}

/// The words of the C library without the number behind them.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_some() => "permission denied".into(),
        _ => error.to_string(),
    }
}

impl Failure {
    pub(super) fn new(target: &Target, cause: Cause) -> Failure {
        Failure {
            target: target.clone(),
            cause,
        }
    }

    fn line(&self, settings: &Settings) -> String {
        format!("{}: {}", self.target, self.cause.text(settings))
    }
}

/// One error out of what failed in all places, every one of them named.
pub(super) async fn explain(settings: &Settings, failures: Vec<Failure>) -> Error {
    // The last one is the one that ended the search; among failures that did not, a server's word tells most.
    let telling = failures
        .iter()
        .rev()
        .find(|f| matches!(f.cause, Cause::Server(..)) || f.cause.is_final())
        .or(failures.last());
    let Some(telling) = telling else {
        return Error::failed(format!(
            "cannot connect to {}: no address to try",
            settings.host_text()
        ));
    };
    let mut lines: Vec<String> = failures.iter().map(|f| f.line(settings)).collect();
    lines.dedup();
    let mut error = match lines.as_slice() {
        [one] => Error::failed(format!("cannot connect to {one}")),
        _ => Error::failed(format!("cannot connect to any of these: {}", lines.join("; "))),
    };
    let mut hint = telling.cause.hint(settings, &telling.target);
    if let Cause::Server(message, _) = &telling.cause {
        error = error.with_server(message.clone());
        if message.code == "3D000" {
            hint = databases(settings, &telling.target).await.or(hint);
        }
    }
    if matches!(telling.cause, Cause::NoPassword) {
        error = error.because(PasswordWanted);
    }
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The databases there are, the most like the wanted one first; nothing where even that cannot be learnt.
async fn databases(settings: &Settings, target: &Target) -> Option<String> {
    for known in ["postgres", "template1"] {
        if settings.dbname() == known {
            continue;
        }
        let mut there = settings.with_dbname(known);
        there.targets = vec![target.clone()];
        let Ok(Ok(session)) = Box::pin(super::search::try_all(&there)).await else {
            continue;
        };
        let rows = session
            .client
            .simple_query("SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1")
            .await
            .ok()?;
        let names: Vec<_> = rows
            .iter()
            .filter_map(|m| match m {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_string),
                _ => None,
            })
            .collect();
        return Some(database_hint(settings.dbname(), &names));
    }
    None
}

fn database_hint(wanted: &str, names: &[String]) -> String {
    const SHOWN: usize = 10;
    let near = nearest(wanted, names.iter().map(String::as_str));
    let mut listed: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    if names.len() > SHOWN {
        listed.push("...");
    }
    let listed = format!("the server has {}", listed.join(", "));
    match near {
        Some(near) => format!("did you mean {near:?}? {listed}"),
        None => listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_database_brings_its_like_to_mind() {
        let names = ["app".to_string(), "app_test".into(), "postgres".into()];
        assert_eq!(
            database_hint("ap", &names),
            "did you mean \"app\"? the server has app, app_test, postgres"
        );
        assert_eq!(
            database_hint("zzz", &names),
            "the server has app, app_test, postgres"
        );
        let many: Vec<_> = (0..12).map(|n| format!("d{n}")).collect();
        assert!(database_hint("zzz", &many).ends_with("d9, ..."));
    }
}
