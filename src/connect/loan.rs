//! A socket lent to the protocol library, which can be taken back.
//!
//! The library speaks UTF-8 only. Names that are not (see [`escape`]) go through it as the characters that stand for
//! their bytes, and on their way to the server, here, the statements that hold them get those bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;
use crate::{Error, Result, escape};

/// The borrower's end. Once the socket is taken back, the library reads an end of file and writes into nothing.
pub(super) struct Lent(Loan);

/// The lender's end.
#[derive(Clone)]
pub(super) struct Loan(Arc<Mutex<Option<Line>>>);

/// The socket, and what is on its way into it.
struct Line {
    socket: Socket,
    /// `None` until the session has begun: the first messages are of another form.
    messages: Option<Messages>,
}

impl Loan {
    pub(super) fn new(socket: Socket) -> Loan {
        Loan(Arc::new(Mutex::new(Some(Line {
            socket,
            messages: None,
        }))))
    }

    pub(super) fn lend(&self) -> Socket {
        Box::new(Lent(self.clone()))
    }

    /// From here on the library sends whole messages, each with its type: the session has begun.
    pub(super) fn begun(&self) {
        self.with((), |line| line.messages = Some(Messages::default()));
    }

    fn with<T>(&self, nothing: T, work: impl FnOnce(&mut Line) -> T) -> T {
        // A panic in between leaves the socket as it was.
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(line) => work(line),
            None => nothing,
        }
    }

    pub(super) fn take_back(&self) -> Result<Socket> {
        let line = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        line.map(|line| line.socket)
            .ok_or_else(|| Error::failed("the session's socket has been taken before"))
    }
}

impl Line {
    /// Writes what waits.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(messages) = &mut self.messages {
            while !messages.ready.is_empty() {
                let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &messages.ready))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                messages.ready.advance(written);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = |line: &mut Line| Pin::new(&mut line.socket).poll_read(cx, buf);
        self.0.with(Poll::Ready(Ok(())), read)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.with(Poll::Ready(Ok(buf.len())), |line| {
            // What comes is taken only when all before it has gone, so that no more than one write waits.
            ready!(line.poll_waiting(cx))?;
            match &mut line.messages {
                None => Pin::new(&mut line.socket).poll_write(cx, buf),
                Some(messages) => {
                    messages.take(buf);
                    Poll::Ready(Ok(buf.len()))
                }
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(Poll::Ready(Ok(())), |line| {
            ready!(line.poll_waiting(cx))?;
            Pin::new(&mut line.socket).poll_flush(cx)
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.with(Poll::Ready(Ok(())), |line| {
            ready!(line.poll_waiting(cx))?;
            Pin::new(&mut line.socket).poll_shutdown(cx)
        })
    }
}

/// Messages on their way to the server, as they come from the library and as they go.
#[derive(Default)]
struct Messages {
    /// The beginning of a message whose end has not come yet.
    partial: BytesMut,
    /// What is to be written.
    ready: BytesMut,
}

impl Messages {
    fn take(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while let Some(length) = length(&self.partial)
            && self.partial.len() >= length
        {
            let message = self.partial.split_to(length);
            // A query, and a statement to be prepared; no others hold names.
            let text = matches!(message[0], b'Q' | b'P');
            match text.then(|| escape::within(&message[HEADER..])).flatten() {
                Some(body) => {
                    self.ready.extend_from_slice(&message[..1]);
                    self.ready
                        .extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
                    self.ready.extend_from_slice(&body);
                }
                None => self.ready.extend_from_slice(&message),
            }
        }
    }
}

/// Type and length.
const HEADER: usize = 5;

/// Bytes of the first message here, with its header; `None` where that is not complete.
fn length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..HEADER)?;
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    Some(1 + (length as usize).max(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut message = vec![kind];
        message.extend((body.len() as u32 + 4).to_be_bytes());
        message.extend(body);
        message
    }

    #[test]
    fn names_become_bytes_in_statements_only_however_they_are_cut() {
        let name = escape::of_bytes(b"gr\xf6\xdfe").into_owned();
        let text = |before: &str| format!("{before}{name}\0");
        let sent = [
            message(b'Q', text("LOCK ").as_bytes()),
            message(b'B', text("").as_bytes()),
            message(b'P', text("s0\0SELECT ").as_bytes()),
            message(b'S', b""),
        ]
        .concat();
        let wanted = [
            message(b'Q', b"LOCK gr\xf6\xdfe\0"),
            message(b'B', text("").as_bytes()),
            message(b'P', b"s0\0SELECT gr\xf6\xdfe\0"),
            message(b'S', b""),
        ]
        .concat();
        for size in [1, 3, 7, 1000] {
            let mut messages = Messages::default();
            sent.chunks(size).for_each(|piece| messages.take(piece));
            assert_eq!(messages.ready, wanted, "{size}");
            assert!(messages.partial.is_empty());
        }
    }
}
