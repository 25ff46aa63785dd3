//! Connection settings, decided once: connection string over flags over service file over environment over password
//! file over defaults, with libpq's names and meanings.
//!
//! Differences from libpq, all on purpose: an attempt to connect ends after [`CONNECT_TIMEOUT`] and keepalives begin after [`Keepalive`]'s defaults (there: never, and after
//! two hours), because nobody watches a backup at night; `<NAME>_FILE` variables are read; without a host, both usual
//! socket directories and then `localhost` are tried.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::auth::AuthMethods;
use super::environment::Environment;
use super::params::{self, Params, Value, nearest};
use super::passfile::{PassFile, Secret};
use super::service;
use super::tls::TlsSettings;
use crate::{Error, Result};

/// Where servers put their sockets: Debian's and Red Hat's place, PostgreSQL's own.
pub(super) const SOCKET_DIRS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// How long one attempt to connect may take, where nothing else is said. Long enough for a database that is woken up.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// What the user asked for: the flags of a command line, or what a program sets.
#[derive(Clone, Default)]
pub struct Request {
    /// A database's name, a URI or `key=value` pairs (`-d`).
    pub dbname: Option<String>,
    /// Host name, address or socket directory; several separated by commas (`-h`).
    pub host: Option<String>,
    /// Port, or one for each host (`-p`).
    pub port: Option<String>,
    /// Role (`-U`).
    pub user: Option<String>,
}

/// Where and as whom to connect: resolved, complete, cheap to clone. Its debug output hides passwords.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) targets: Vec<Target>,
    user: String,
    dbname: String,
    password: Option<(Secret, String)>,
    passfile: PassFile,
    pub(super) application_name: String,
    pub(super) options: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) keepalive: Option<Keepalive>,
    /// Data that stays unacknowledged this long ends the connection; `None`: the system's way.
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) tls: TlsSettings,
    pub(super) auth: AuthMethods,
    /// The operating system's user that must own the server behind a socket.
    pub(super) require_peer: Option<String>,
    pub(super) session_kind: SessionKind,
    pub(super) shuffle_hosts: bool,
    warnings: Vec<String>,
}

/// One place to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name or address; connected to at `address` where that is given.
    Tcp { name: String, address: Option<IpAddr> },
    /// The directory of a unix socket (`@` in front: an abstract one).
    Socket(String),
}

impl Host {
    /// As the user called it.
    pub(super) fn name(&self) -> &str {
        match self {
            Host::Tcp { name, .. } => name,
            Host::Socket(dir) => dir,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            host => write!(f, "{}:{}", host.name(), self.port),
        }
    }
}

/// TCP keepalive, in the units of the system: whole seconds and a number of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) count: u32,
}

impl Default for Keepalive {
    /// A vanished server is noticed within two minutes, and no NAT gateway forgets a connection that waits for a long
    /// CREATE INDEX.
    fn default() -> Self {
        Keepalive {
            idle: Duration::from_secs(60),
            interval: Duration::from_secs(15),
            count: 4,
        }
    }
}

/// libpq's `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl Settings {
    /// Settings from a database's name, a URI or `key=value` pairs, if given, over the process's environment and the
    /// files that libpq reads.
    pub fn resolve(dbname: Option<&str>) -> Result<Settings> {
        let request = Request {
            dbname: dbname.map(str::to_string),
            ..Request::default()
        };
        Settings::from_request(&request, &Environment::of_process())
    }

    /// Settings from a request and an environment of one's own.
    pub fn from_request(request: &Request, environment: &Environment) -> Result<Settings> {
        let mut params = Params::default();
        if let Some(text) = &request.dbname {
            params = params::parse(text, "the connection string")?;
        }
        // As pg_dump has it: what the string says wins over the options beside it.
        let mut flags = Params::default();
        for (name, value, flag) in [
            ("host", &request.host, "-h"),
            ("port", &request.port, "-p"),
            ("user", &request.user, "-U"),
        ] {
            if let Some(value) = value {
                flags.set(name, Value::new(value, flag))?;
            }
        }
        params.add_defaults(flags);
        let below = Params::from_environment(|name| environment.get(name))?;
        if let Some(name) = params.get("service").or(below.get("service")) {
            let file = params.get("servicefile").or(below.get("servicefile"));
            params.add_defaults(service::load(name, file, environment)?);
        }
        params.add_defaults(below);
        Settings::decide(&params, environment)
    }

    fn decide(params: &Params, environment: &Environment) -> Result<Settings> {
        let text = |name: &str| params.get(name).map(|v| v.text.clone());
        let user = match text("user").or_else(|| environment.os_user().map(str::to_string)) {
            Some(user) => user,
            None => {
                return Err(Error::usage(
                    "no role to connect as: this system knows no name for the current user",
                )
                .hint("set PGUSER or give -U"));
            }
        };
        let (passfile, warning) = match params.get("passfile") {
            Some(path) => PassFile::read(Path::new(&path.text), true)?,
            None => match environment.in_home(".pgpass") {
                Some(path) => PassFile::read(&path, false)?,
                None => (PassFile::default(), None),
            },
        };
        Ok(Settings {
            targets: targets(params)?,
            dbname: text("dbname").unwrap_or_else(|| user.clone()),
            user,
            password: params
                .get("password")
                .map(|v| (Secret(v.text.clone()), v.origin.clone())),
            passfile,
            application_name: text("application_name")
                .or_else(|| text("fallback_application_name"))
                .unwrap_or_else(|| "pgstow".into()),
            options: text("options"),
            connect_timeout: match number::<i64>(
                params,
                "connect_timeout",
                "a number of seconds, 0 for no limit",
            )? {
                None => Some(CONNECT_TIMEOUT),
                Some(seconds) => u64::try_from(seconds)
                    .ok()
                    .filter(|s| *s > 0)
                    .map(Duration::from_secs),
            },
            keepalive: keepalive(params)?,
            tcp_user_timeout: number::<u64>(params, "tcp_user_timeout", "a number of milliseconds")?
                .filter(|ms| *ms > 0)
                .map(Duration::from_millis),
            tls: TlsSettings::decide(params, environment)?,
            auth: AuthMethods::decide(params)?,
            require_peer: text("requirepeer"),
            session_kind: choice(
                params,
                "target_session_attrs",
                &[
                    ("any", SessionKind::Any),
                    ("read-write", SessionKind::ReadWrite),
                    ("read-only", SessionKind::ReadOnly),
                    ("primary", SessionKind::Primary),
                    ("standby", SessionKind::Standby),
                    ("prefer-standby", SessionKind::PreferStandby),
                ],
            )?
            .unwrap_or(SessionKind::Any),
            shuffle_hosts: choice(
                params,
                "load_balance_hosts",
                &[("disable", false), ("random", true)],
            )?
            .unwrap_or(false),
            warnings: warning.into_iter().collect(),
        })
    }

    /// The database's name.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The role's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Hosts and ports for people: `db.example.org:5432`, `/var/run/postgresql:5432`, several separated by commas.
    pub fn host_text(&self) -> String {
        let all: Vec<_> = self.targets.iter().map(Target::to_string).collect();
        all.join(", ")
    }

    /// The same settings for another database.
    #[must_use]
    pub fn with_dbname(&self, dbname: &str) -> Settings {
        Settings {
            dbname: dbname.to_string(),
            ..self.clone()
        }
    }

    /// The same settings with this password, which a person has just typed.
    #[must_use]
    pub fn with_password(&self, password: &str) -> Settings {
        Settings {
            password: Some((Secret(password.to_string()), "the prompt".into())),
            ..self.clone()
        }
    }

    /// Every host that may be tried has a password.
    pub fn has_password(&self) -> bool {
        self.targets.iter().all(|t| self.password_for(t).is_some())
    }

    /// What the user should be told about these settings, such as a password file that is not used.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The password for a target and where it came from.
    pub(super) fn password_for(&self, target: &Target) -> Option<(Secret, String)> {
        self.password.clone().or_else(|| {
            self.passfile
                .find(target.host.name(), target.port, &self.dbname, &self.user)
        })
    }
}

/// Hosts, addresses and ports, each a list separated by commas, put together.
fn targets(params: &Params) -> Result<Vec<Target>> {
    let list = |name: &str| -> Vec<String> {
        params
            .get(name)
            .map(|v| v.text.split(',').map(|s| s.trim().to_string()).collect())
            .unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    for (what, length) in [
        ("host", names.len()),
        ("hostaddr", addresses.len()),
        ("port", if ports.len() == 1 { 0 } else { ports.len() }),
    ] {
        if length != 0 && length != count {
            return Err(Error::usage(format!(
                "{length} values of {what} (from {}) do not fit {count} hosts: expected one for each",
                params.get(what).map_or("", |v| &v.origin)
            )));
        }
    }
    let mut targets = Vec::new();
    for at in 0..count {
        let port = match ports.get(at).or(ports.first()).map_or("", String::as_str) {
            "" => 5432,
            text => match text.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(bad_value(params, "port", text, "a number from 1 to 65535")),
            },
        };
        let address = match addresses.get(at).map_or("", String::as_str) {
            "" => None,
            text => Some(
                IpAddr::from_str(text)
                    .map_err(|_| bad_value(params, "hostaddr", text, "a numeric IP address"))?,
            ),
        };
        let tcp = |name: &str| Host::Tcp {
            name: name.to_string(),
            address,
        };
        let name = names.get(at).map_or("", String::as_str);
        let hosts = match (name, address) {
            ("", Some(address)) => vec![tcp(&address.to_string())],
            ("", None) => SOCKET_DIRS
                .iter()
                .map(|dir| Host::Socket((*dir).to_string()))
                .chain([tcp("localhost")])
                .collect(),
            (_, None) if name.starts_with(['/', '@']) => vec![Host::Socket(name.to_string())],
            _ => vec![tcp(name)],
        };
        targets.extend(hosts.into_iter().map(|host| Target { host, port }));
    }
    Ok(targets)
}

fn keepalive(params: &Params) -> Result<Option<Keepalive>> {
    if number::<i64>(params, "keepalives", "0 or 1")? == Some(0) {
        return Ok(None);
    }
    let usual = Keepalive::default();
    let seconds = |name: &str, usual: Duration| -> Result<Duration> {
        let given = number::<u64>(params, name, "a number of seconds")?.filter(|s| *s > 0);
        Ok(given.map_or(usual, Duration::from_secs))
    };
    Ok(Some(Keepalive {
        idle: seconds("keepalives_idle", usual.idle)?,
        interval: seconds("keepalives_interval", usual.interval)?,
        count: number(params, "keepalives_count", "a number of probes")?
            .filter(|n| *n > 0)
            .unwrap_or(usual.count),
    }))
}

fn number<T: FromStr>(params: &Params, name: &str, expected: &str) -> Result<Option<T>> {
    let Some(value) = params.get(name) else {
        return Ok(None);
    };
    match value.text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(bad_value(params, name, &value.text, expected)),
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(params: &Params, name: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
    let Some(value) = params.get(name) else {
        return Ok(None);
    };
    if let Some((_, meaning)) = choices.iter().find(|(word, _)| *word == value.text) {
        return Ok(Some(*meaning));
    }
    let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
    let error = bad_value(params, name, &value.text, &words.join(", "));
    Err(match nearest(&value.text, words) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error,
    })
}

fn bad_value(params: &Params, name: &str, text: &str, expected: &str) -> Error {
    let origin = params.get(name).map_or("", |v| &v.origin);
    Error::usage(format!(
        "bad {name} {text:?} (from {origin}): expected {expected}"
    ))
}

#[cfg(test)]
mod tests;
