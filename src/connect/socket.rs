//! Opening a socket: TCP with its keepalives, or a unix socket.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::settings::Settings;

/// Bytes both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection, whatever it runs over.
pub(super) type Socket = Box<dyn Duplex>;

/// One address of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    /// The socket's path; `@` in front: an abstract one.
    Unix(String),
}

/// Opens it with the settings' keepalives.
pub(super) async fn open(address: &Address, settings: &Settings) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            keep_alive(&stream, settings)?;
            Ok(Box::new(stream))
        }
        Address::Unix(path) => {
            let stream = match path.strip_prefix('@') {
                Some(name) => UnixStream::connect(format!("\0{name}")).await?,
                None => UnixStream::connect(path).await?,
            };
            if let Some(name) = &settings.require_peer {
                let uid = stream.peer_cred()?.uid();
                if super::environment::uid_of(name) != Some(uid) {
                    return Err(io::Error::new(
                        io::ErrorKind::PermissionDenied,
                        format!("requirepeer is {name:?}, but the server belongs to the user with id {uid}"),
                    ));
                }
            }
            Ok(Box::new(stream))
        }
    }
}

fn keep_alive(stream: &TcpStream, settings: &Settings) -> io::Result<()> {
    use rustix::net::sockopt;
    if let Some(keepalive) = &settings.keepalive {
        sockopt::set_socket_keepalive(stream, true)?;
        sockopt::set_tcp_keepidle(stream, keepalive.idle)?;
        sockopt::set_tcp_keepintvl(stream, keepalive.interval)?;
        sockopt::set_tcp_keepcnt(stream, keepalive.count)?;
    }
    if let Some(timeout) = settings.tcp_user_timeout {
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, milliseconds)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::net::sockopt;

    use super::super::{Environment, Request};
    use super::*;

    #[tokio::test]
    async fn a_server_that_vanishes_is_noticed_after_the_time_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let settings = |text: &str| {
            let request = Request {
                dbname: Some(format!("user=u {text}")),
                ..Request::default()
            };
            Settings::from_request(&request, &Environment::default()).unwrap()
        };
        keep_alive(&stream, &settings("keepalives=0")).unwrap();
        assert!(!sockopt::socket_keepalive(&stream).unwrap());
        keep_alive(&stream, &settings("")).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), Duration::from_secs(60));
        let text = "keepalives_idle=7 keepalives_interval=3 keepalives_count=2 tcp_user_timeout=1500";
        keep_alive(&stream, &settings(text)).unwrap();
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), Duration::from_secs(7));
        assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), Duration::from_secs(3));
        assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), 2);
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 1500);
    }
}
