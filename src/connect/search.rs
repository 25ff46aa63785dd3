//! Looking for a server that will have us: every host in turn, every address of it, with and without TLS as the settings
//! allow, until a session is of the kind wanted.

use std::io;

use tokio_postgres::SimpleQueryMessage;
use tokio_rustls::TlsConnector;

use super::failure::{self, Cause, Failure};
use super::session::{Session, open_session};
use super::settings::{Host, SessionKind, Settings, Target};
use super::socket::Address;
use super::tls::Mode;
use crate::Result;

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
