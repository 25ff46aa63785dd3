//! What the first messages of a connection tell that the protocol library keeps to itself: how the server authenticates,
//! and the process id it calls itself by.
//!
//! [`Watched`] looks at the bytes as they pass and alters nothing; after the startup it is out of the way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::params::Params;
use crate::{Error, Result};

/// Which ways of authentication the user accepts: libpq's `require_auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AuthMethods {
    /// Empty: any.
    listed: Vec<&'static str>,
    /// The list says what is not accepted.
    negated: bool,
}

/// The methods libpq names, with the code of the server's request.
const METHODS: &[(&str, i32)] = &[
    ("none", 0),
    ("password", 3),
    ("md5", 5),
    ("gss", 7),
    ("sspi", 9),
    ("scram-sha-256", 10),
    ("oauth", -1),
];

impl AuthMethods {
    pub(super) fn decide(params: &Params) -> Result<AuthMethods> {
        let Some(value) = params.get("require_auth") else {
            return Ok(AuthMethods::default());
        };
        let words: Vec<_> = value.text.split(',').map(str::trim).collect();
        let negated = words.iter().filter(|w| w.starts_with('!')).count();
        let known: Option<Vec<_>> = words
            .iter()
            .map(|w| {
                METHODS
                    .iter()
                    .map(|m| m.0)
                    .find(|m| *m == w.trim_start_matches('!'))
            })
            .collect();
        match known {
            Some(listed) if negated == 0 || negated == words.len() => Ok(AuthMethods {
                listed,
                negated: negated > 0,
            }),
            _ => Err(Error::usage(format!(
                "bad require_auth {:?} (from {}): expected names of methods, all or none of them with \"!\": none, \
                 password, md5, scram-sha-256",
                value.text, value.origin
            ))),
        }
    }

    /// The refusal of a server's request that is not accepted.
    fn refuses(&self, code: i32) -> Option<String> {
        let name = METHODS
            .iter()
            .find(|m| m.1 == code)
            .map_or("an unknown method", |m| m.0);
        let accepted = self.listed.is_empty() || self.listed.contains(&name) != self.negated;
        (!accepted).then(|| match name {
            "none" => {
                "the server asked for no authentication, which require_auth does not accept".to_string()
            }
            _ => format!("the server asked for authentication by {name}, which require_auth does not accept"),
        })
    }
}

/// A connection, encrypted or not, whose startup is looked at.
pub(super) struct Watched<S> {
    inner: S,
    /// `tls-server-end-point`, where there is TLS.
    pub(super) binding: Option<Vec<u8>>,
    methods: AuthMethods,
    startup: Option<Startup>,
    process_id: Arc<AtomicI32>,
}

/// The reader of the first messages: the head of the present one, and how much of it is still to come.
#[derive(Default)]
struct Startup {
    head: Vec<u8>,
    skip: usize,
    asked: bool,
}

impl<S> Watched<S> {
    /// The server's process id stands in `process_id` once the connection is made.
    pub(super) fn new(
        inner: S,
        binding: Option<Vec<u8>>,
        methods: AuthMethods,
        process_id: Arc<AtomicI32>,
    ) -> Watched<S> {
        Watched {
            inner,
            binding,
            methods,
            startup: Some(Startup::default()),
            process_id,
        }
    }

    /// Looks at bytes the server sent.
    fn look(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(startup) = &mut self.startup {
            let skipped = startup.skip.min(bytes.len());
            startup.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return Ok(());
            }
            startup.head.push(bytes[0]);
            bytes = &bytes[1..];
            // Type, length, and the number that an authentication request and a process id begin with.
            let [kind, length @ ..] = startup.head.as_slice() else {
                continue;
            };
            let Some((length, number)) = length.split_first_chunk::<4>() else {
                continue;
            };
            let length = u32::from_be_bytes(*length) as usize;
            let number = number.first_chunk::<4>().map(|n| i32::from_be_bytes(*n));
            match (kind, number) {
                (b'R' | b'K', None) => continue,
                (b'R', Some(code)) if !startup.asked => {
                    if let Some(refusal) = self.methods.refuses(code) {
                        return Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal));
                    }
                    startup.asked = true;
                }
                (b'K', Some(id)) => self.process_id.store(id, Ordering::Relaxed),
                // Ready for query, or a failure: the startup is over.
                (b'Z' | b'E', _) => {
                    self.startup = None;
                    return Ok(());
                }
                _ => {}
            }
            startup.skip = (length + 1).saturating_sub(startup.head.len());
            startup.head.clear();
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.binding {
            Some(digest) => ChannelBinding::tls_server_end_point(digest.clone()),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if self.startup.is_some() && matches!(polled, Poll::Ready(Ok(()))) {
            self.look(&buf.filled()[before..])?;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::params;
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut all = vec![kind];
        all.extend((body.len() as u32 + 4).to_be_bytes());
        all.extend(body);
        all
    }

    fn watch(text: &str, bytes: &[u8], piece: usize) -> (io::Result<()>, i32, bool) {
        let methods = AuthMethods::decide(&params::parse(text, "it").unwrap()).unwrap();
        let id = Arc::new(AtomicI32::new(0));
        let mut watched = Watched::new((), None, methods, Arc::clone(&id));
        let result = bytes.chunks(piece).try_for_each(|b| watched.look(b));
        (result, id.load(Ordering::Relaxed), watched.startup.is_none())
    }

    fn startup(auth: i32) -> Vec<u8> {
        [
            message(b'R', &[&auth.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat()),
            message(b'R', &0i32.to_be_bytes()),
            message(b'S', b"server_version\x0016.4\0"),
            message(b'K', &[0, 0, 1, 2, 9, 9, 9, 9]),
            message(b'Z', b"I"),
            message(b'K', &[7, 7, 7, 7]),
        ]
        .concat()
    }

    #[test]
    fn the_process_id_is_found_however_the_bytes_arrive() {
        for piece in [1, 2, 3, 7, 1000] {
            let (result, id, over) = watch("host=h", &startup(10), piece);
            assert!(result.is_ok() && over, "pieces of {piece}");
            assert_eq!(id, 258, "pieces of {piece}");
        }
    }

    #[test]
    fn a_method_the_user_does_not_accept_is_refused_before_a_password_is_sent() {
        for (text, auth, accepted) in [
            ("require_auth=scram-sha-256", 10, true),
            ("require_auth=scram-sha-256", 5, false),
            ("require_auth=scram-sha-256,md5", 5, true),
            ("require_auth=!password,!md5", 3, false),
            ("require_auth=!password,!md5", 10, true),
            ("require_auth=none", 0, true),
            ("require_auth=none", 3, false),
            ("require_auth=md5", 0, false),
        ] {
            let (result, ..) = watch(text, &startup(auth), 5);
            assert_eq!(result.is_ok(), accepted, "{text} {auth}");
        }
        for bad in ["require_auth=scram", "require_auth=md5,!password"] {
            assert!(
                AuthMethods::decide(&params::parse(bad, "it").unwrap()).is_err(),
                "{bad}"
            );
        }
    }
}
