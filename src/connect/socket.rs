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
