//! libpq's connection parameters by name, and the two forms of a connection string: URI and `key=value`.
//!
//! Pure text work; what the values mean is [`settings`](super::settings)' business.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// What pgstow does with a parameter of libpq's.
enum Support {
    /// It does what libpq does.
    Used,
    /// Nothing depends on it here: taken and ignored.
    NoEffect,
    /// Ignoring it would be wrong, unless it has one of these values.
    Refused {
        unless: &'static [&'static str],
        why: &'static str,
    },
}

use Support::{NoEffect, Refused, Used};

const NO_GSS: &str = "pgstow speaks no GSSAPI";
const NO_OAUTH: &str = "pgstow speaks no OAuth";
const NO_KEYS: &str = "pgstow takes SCRAM passwords, not keys";

/// Every parameter of libpq 18: name, environment variable, what becomes of it.
#[rustfmt::skip]
const KEYWORDS: &[(&str, Option<&str>, Support)] = &[
    ("application_name", Some("PGAPPNAME"), Used),
    ("channel_binding", Some("PGCHANNELBINDING"), Used),
    // The protocol's text is always UTF-8 here; a dump's encoding is another thing.
    ("client_encoding", Some("PGCLIENTENCODING"), NoEffect),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Used),
    ("dbname", Some("PGDATABASE"), Used),
    ("fallback_application_name", None, Used),
    ("gssdelegation", Some("PGGSSDELEGATION"), NoEffect),
    ("gssencmode", Some("PGGSSENCMODE"), Refused { unless: &["disable", "prefer"], why: NO_GSS }),
    ("gsslib", Some("PGGSSLIB"), NoEffect),
    ("host", Some("PGHOST"), Used),
    ("hostaddr", Some("PGHOSTADDR"), Used),
    ("keepalives", None, Used),
    ("keepalives_count", None, Used),
    ("keepalives_idle", None, Used),
    ("keepalives_interval", None, Used),
    ("krbsrvname", Some("PGKRBSRVNAME"), NoEffect),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Used),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), NoEffect),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION"),
        Refused { unless: &["3.0"], why: "pgstow speaks protocol 3.0, as every server does" }),
    ("oauth_client_id", None, Refused { unless: &[], why: NO_OAUTH }),
    ("oauth_client_secret", None, Refused { unless: &[], why: NO_OAUTH }),
    ("oauth_issuer", None, Refused { unless: &[], why: NO_OAUTH }),
    ("oauth_scope", None, Refused { unless: &[], why: NO_OAUTH }),
    ("options", Some("PGOPTIONS"), Used),
    ("passfile", Some("PGPASSFILE"), Used),
    ("password", Some("PGPASSWORD"), Used),
    ("port", Some("PGPORT"), Used),
    ("replication", None,
        Refused { unless: &["false", "off", "no", "0"], why: "pgstow reads tables, not the replication stream" }),
    ("require_auth", Some("PGREQUIREAUTH"), Used),
    ("requirepeer", Some("PGREQUIREPEER"), Used),
    ("scram_client_key", None, Refused { unless: &[], why: NO_KEYS }),
    ("scram_server_key", None, Refused { unless: &[], why: NO_KEYS }),
    ("service", Some("PGSERVICE"), Used),
    ("servicefile", Some("PGSERVICEFILE"), Used),
    ("sslcert", Some("PGSSLCERT"), Used),
    ("sslcertmode", Some("PGSSLCERTMODE"),
        Refused { unless: &["allow", "disable"], why: "pgstow cannot tell whether the server asked for the certificate" }),
    ("sslcompression", Some("PGSSLCOMPRESSION"), NoEffect),
    ("sslcrl", Some("PGSSLCRL"), Used),
    ("sslcrldir", Some("PGSSLCRLDIR"), Used),
    ("sslkey", Some("PGSSLKEY"), Used),
    ("sslkeylogfile", None, Refused { unless: &[], why: "pgstow never writes a session's keys to a file" }),
    ("sslmode", Some("PGSSLMODE"), Used),
    ("sslnegotiation", Some("PGSSLNEGOTIATION"), Used),
    ("sslpassword", None,
        Refused { unless: &[], why: "pgstow reads unencrypted keys only (openssl pkey -in KEY -out PLAIN_KEY makes one)" }),
    ("sslrootcert", Some("PGSSLROOTCERT"), Used),
    ("sslsni", Some("PGSSLSNI"), Used),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Used),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Used),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Used),
    ("tcp_user_timeout", None, Used),
    ("user", Some("PGUSER"), Used),
];

/// A value and where it came from, for messages: `PGPORT`, `the connection string`, `-p`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) origin: String,
}

impl Value {
    pub(super) fn new(text: impl Into<String>, origin: impl Into<String>) -> Value {
        Value {
            text: text.into(),
            origin: origin.into(),
        }
    }
}

/// Parameters by libpq's names, each at most once; the values may be secrets.
#[derive(Clone, Default)]
pub(super) struct Params(BTreeMap<&'static str, Value>);

impl Params {
    /// The value, if it is given and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.text.is_empty())
    }

    /// Sets what is known to be one of libpq's parameters, or says why it cannot be.
    pub(super) fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let Some((name, _, support)) = KEYWORDS.iter().find(|(k, ..)| *k == name) else {
            let near = nearest(name, KEYWORDS.iter().map(|(k, ..)| *k));
            let error = Error::usage(format!(
                "unknown connection parameter {name:?} in {}",
                value.origin
            ));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean {near:?}?")),
                None => error.hint("the parameters are libpq's: host, port, user, dbname, sslmode and so on"),
            });
        };
        match support {
            Used => {
                self.0.insert(name, value);
            }
            NoEffect => {}
            Refused { unless, why } => {
                if !value.text.is_empty() && !unless.contains(&value.text.as_str()) {
                    return Err(Error::usage(format!(
                        "{name} in {} cannot be met: {why}",
                        value.origin
                    )));
                }
            }
        }
        Ok(())
    }

    /// Takes over what is not given yet.
    pub(super) fn add_defaults(&mut self, below: Params) {
        for (name, value) in below.0 {
            if self.get(name).is_none() {
                self.0.insert(name, value);
            }
        }
    }

    /// Parameters named by environment variables; `read` looks one up.
    pub(super) fn from_environment(read: impl Fn(&str) -> Result<Option<Value>>) -> Result<Params> {
        let mut params = Params::default();
        for (name, variable, _) in KEYWORDS {
            if let Some(variable) = variable
                && let Some(value) = read(variable)?
            {
                params.set(name, value)?;
            }
        }
        Ok(params)
    }
}

/// What `--dbname` may be: a URI, `key=value` pairs or a database's name.
pub(super) fn parse(text: &str, origin: &str) -> Result<Params> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return match scheme {
            "postgresql" | "postgres" => parse_uri(rest, origin),
            // A password of a key=value string may hold anything.
            _ if scheme.contains('=') => parse_pairs(text, origin),
            _ => Err(Error::usage(format!(
                "unknown scheme {scheme:?} in {origin}: expected postgresql:// or postgres://"
            ))),
        };
    }
    if text.contains('=') {
        return parse_pairs(text, origin);
    }
    let mut params = Params::default();
    params.set("dbname", Value::new(text, origin))?;
    Ok(params)
}

/// `host=a port=5432 password='it\'s'`: values quoted by apostrophes, escapes by backslash.
fn parse_pairs(text: &str, origin: &str) -> Result<Params> {
    let mut params = Params::default();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(params);
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            name.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            // Not the word itself: it may be the second half of an unquoted password.
            return Err(Error::usage(format!(
                "{origin} has a word without \"=\" after it: expected key=value"
            ))
            .hint("a value with spaces needs apostrophes, as in password='two words'"));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.peek().copied() {
                None if quoted => {
                    return Err(Error::usage(format!(
                        "{origin}: the value of {name:?} has no closing apostrophe"
                    )));
                }
                None => break,
                Some('\'') if quoted => {
                    chars.next();
                    break;
                }
                Some(c) if !quoted && c.is_whitespace() => break,
                Some('\\') => {
                    chars.next();
                    value.extend(chars.next());
                }
                Some(c) => {
                    chars.next();
                    value.push(c);
                }
            }
        }
        params.set(&name, Value::new(value, origin))?;
    }
}

/// What stands behind `postgresql://`.
fn parse_uri(rest: &str, origin: &str) -> Result<Params> {
    let mut params = Params::default();
    let set = |params: &mut Params, name: &str, text: &str| -> Result<()> {
        params.set(name, Value::new(percent_decode(text, name, origin)?, origin))
    };
    let (before_query, query) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
    let (authority, dbname) = before_query
        .split_once('/')
        .map_or((before_query, None), |(a, b)| (a, Some(b)));
    let (userinfo, hosts) = match authority.split_once('@') {
        Some((userinfo, hosts)) => (Some(userinfo), hosts),
        None => (None, authority),
    };
    if hosts.contains('@') || dbname.is_some_and(|d| d.contains('@')) {
        return Err(Error::usage(format!("{origin} has more than one \"@\" outside of its parameters"))
            .hint("in a URI, write the password's special characters percent-encoded: @ is %40, / is %2F, : is %3A, % is %25"));
    }
    if let Some(userinfo) = userinfo {
        let (user, password) = userinfo
            .split_once(':')
            .map_or((userinfo, None), |(u, p)| (u, Some(p)));
        set(&mut params, "user", user)?;
        if let Some(password) = password {
            set(&mut params, "password", password)?;
        }
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for one in hosts.split(',') {
        let (name, port) = split_host(one, origin)?;
        names.push(name);
        ports.push(port);
    }
    set(&mut params, "host", &comma_list(&names))?;
    set(&mut params, "port", &comma_list(&ports))?;
    if let Some(dbname) = dbname {
        set(&mut params, "dbname", dbname)?;
    }
    for pair in query.unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Error::usage(format!("{origin}: parameter {pair:?} has no \"=\"")));
        };
        match (name, value) {
            // As JDBC's URIs have it; libpq takes it too.
            ("ssl", "true") => set(&mut params, "sslmode", "require")?,
            _ => set(
                &mut params,
                &percent_decode(name, "a parameter's name", origin)?,
                value,
            )?,
        }
    }
    Ok(params)
}

/// A list of nothing but empty entries is no list.
fn comma_list(items: &[&str]) -> String {
    if items.iter().all(|i| i.is_empty()) {
        return String::new();
    }
    items.join(",")
}

/// `host:port`, `[::1]:port`, either part may be missing.
fn split_host<'a>(text: &'a str, origin: &str) -> Result<(&'a str, &'a str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return Err(Error::usage(format!(
                "{origin}: host {text:?} has no closing bracket"
            )));
        };
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, port)),
            None if after.is_empty() => Ok((address, "")),
            None => Err(Error::usage(format!(
                "{origin}: expected \":\" and a port after {address:?} in brackets, found {after:?}"
            ))),
        };
    }
    Ok(text.split_once(':').unwrap_or((text, "")))
}

/// `%2F` to `/`. The message never shows the text, which may be a password.
fn percent_decode(text: &str, what: &str, origin: &str) -> Result<String> {
    let bad = |why: &str| {
        Error::usage(format!("{origin}: {why} in {what}"))
            .hint("\"%\" begins two hexadecimal digits in a URI; the character itself is written %25")
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(0) => return Err(bad("the forbidden value %00")),
            Some(byte) => bytes.push(byte),
            None => return Err(bad("a bad percent-encoding")),
        }
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| bad("a percent-encoding that is not UTF-8"))
}

/// The candidate most like `word`, if one is like it at all: for "did you mean".
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let params = parse(text, "it").unwrap_or_else(|e| panic!("{text}: {e}"));
        let found: Vec<_> = params
            .0
            .iter()
            .filter(|(_, v)| !v.text.is_empty())
            .map(|(k, v)| (*k, v.text.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[track_caller]
    fn fails(text: &str, expected: &str) {
        let error = parse(text, "it")
            .err()
            .unwrap_or_else(|| panic!("{text} was taken"));
        assert!(error.to_string().contains(expected), "{text}: {error}");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
    }

    // The cases are those of libpq's own test 001_uri.pl, and a few more.
    #[test]
    fn a_uri_means_what_libpq_says() {
        check(
            "postgresql://uri-user:secret@host:12345/db",
            &[
                ("dbname", "db"),
                ("host", "host"),
                ("password", "secret"),
                ("port", "12345"),
                ("user", "uri-user"),
            ],
        );
        check(
            "postgresql://uri-user@host/",
            &[("host", "host"), ("user", "uri-user")],
        );
        check("postgresql://host:12345", &[("host", "host"), ("port", "12345")]);
        check(
            "postgresql:///db?port=1&user=u",
            &[("dbname", "db"), ("port", "1"), ("user", "u")],
        );
        check("postgresql://", &[]);
        check("postgres://", &[]);
        check("postgresql://%68ost/", &[("host", "host")]);
        check(
            "postgresql://[2001:db8::1234]:12345/",
            &[("host", "2001:db8::1234"), ("port", "12345")],
        );
        check("postgresql://[::1]", &[("host", "::1")]);
        check(
            "postgresql://a:1,b,c:3/d?target_session_attrs=read-write",
            &[
                ("dbname", "d"),
                ("host", "a,b,c"),
                ("port", "1,,3"),
                ("target_session_attrs", "read-write"),
            ],
        );
        check(
            "postgresql://%2Fvar%2Flib%2Fpostgresql/dbname",
            &[("dbname", "dbname"), ("host", "/var/lib/postgresql")],
        );
        check(
            "postgresql:///?host=/tmp&port=5433",
            &[("host", "/tmp"), ("port", "5433")],
        );
        check(
            "postgres://u:p%40ss%2F%25@h?ssl=true",
            &[
                ("host", "h"),
                ("password", "p@ss/%"),
                ("sslmode", "require"),
                ("user", "u"),
            ],
        );
        check(
            "postgresql://h?options=-c%20statement_timeout%3D5",
            &[("host", "h"), ("options", "-c statement_timeout=5")],
        );
    }

    #[test]
    fn key_value_pairs_mean_what_libpq_says() {
        check(
            "host=a port = 5 user='it'",
            &[("host", "a"), ("port", "5"), ("user", "it")],
        );
        check(
            r"password='it\'s \\ x' user=a\ b",
            &[("password", r"it's \ x"), ("user", "a b")],
        );
        check("password='a=b://c' dbname=''", &[("password", "a=b://c")]);
        check("plainname", &[("dbname", "plainname")]);
        check("gssencmode=disable krbsrvname=x host=h", &[("host", "h")]);
    }

    #[test]
    fn a_mistake_in_a_connection_string_is_named() {
        fails("postgresql://h?sslmod=require", "did you mean \"sslmode\"?");
        fails("host=h passwrod=x", "did you mean \"password\"?");
        fails("host=h zzz=x", "libpq's");
        fails("mysql://h/db", "expected postgresql://");
        fails("postgresql://u:p@ss@h/db", "%40");
        fails("postgresql://u:p%zz@h/db", "bad percent-encoding in password");
        fails("postgresql://h/%00", "%00");
        fails("postgresql://[::1/db", "closing bracket");
        fails("postgresql://[::1]x/db", "expected \":\"");
        fails("postgresql://h?user", "has no \"=\"");
        fails("host=h user", "without \"=\"");
        fails("host='h", "no closing apostrophe");
        fails("host=h gssencmode=require", "no GSSAPI");
        fails("host=h sslpassword=x", "unencrypted keys");
    }

    #[test]
    fn a_password_never_shows_in_a_message() {
        for text in [
            "postgresql://u:se%zzcret@h/db",
            "password=two secret words",
            "postgresql://u:p@secret@h",
        ] {
            let error = parse(text, "it").err().expect("bad").to_string();
            assert!(!error.contains("secret") && !error.contains("cret"), "{error}");
        }
    }
}
