//! Receiving COPY data at the server's own speed.
//!
//! The protocol library hands over every row as a message of its own, through a channel, from another task; at some
//! fifty nanoseconds a row that is 3 to 5 % of a dump's work. Here rows are seen where the socket was read into.
//!
//! A server sends 8 KiB at a time, and each time wakes whoever waits, which costs both sides more than reading does. So a
//! long stream is not waited for, but slept for, a little: the socket holds more than comes in that time.
//!
//! What this does not do: anything but `COPY ... TO STDOUT` and statements without a result.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use postgres_protocol::message::backend::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cancel::CancelHandle;
use super::socket::Socket;
use super::wire::server_message;
use crate::error::ServerMessage;
use crate::{Error, Result, escape};

/// Bytes to ask the socket for at once: more than it ever holds.
const BUFFER: usize = 256 << 10;
/// The longest message that is kept whole: an error's or a notice's text.
const LONGEST_MESSAGE: usize = 1 << 20;

/// How long a socket that gave little is left to fill. A unix socket of Linux holds what a server makes of its rows in
/// three to five times as long.
const NAP: Duration = Duration::from_micros(100);
/// A read that gives less is followed by a nap.
const LITTLE: usize = 64 << 10;
/// Data of a COPY before the first nap: short ones are over before it would be.
const LONG: usize = 1 << 20;

/// A connection between two COPY statements. It sleeps in its thread, so that thread should have nothing else to do.
pub struct CopyReader {
    socket: Socket,
    cancel: CancelHandle,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes read of the statement's answer.
    received: usize,
    /// The last read gave little.
    drained: bool,
}

impl CopyReader {
    pub(super) fn new(socket: Socket, cancel: CancelHandle) -> CopyReader {
        CopyReader {
            socket,
            cancel,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            received: 0,
            drained: false,
        }
    }

    /// What cancels the statement that is running.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Runs a `COPY ... TO STDOUT` and hands every piece of data on as it comes. Pieces may end anywhere. Characters
    /// that stand for bytes become those ([`escape`]).
    ///
    /// After an error of `take` the connection is in the middle of data and good for nothing but to be dropped.
    pub async fn copy_out(
        &mut self,
        statement: &str,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.query(statement).await?;
        self.received = 0;
        let mut failure = None;
        loop {
            let (kind, length) = self.header().await?;
            match kind {
                b'd' => self.data(length, &mut take).await?,
                b'E' => failure = Some(message_of(&self.body(length).await?)),
                b'Z' => {
                    self.skip(length).await?;
                    return match failure {
                        None => Ok(()),
                        Some(message) => {
                            Err(Error::failed("the server reported an error").with_server(message))
                        }
                    };
                }
                // COPY begins, COPY is done, the command is complete; notices, settings and notifications.
                b'H' | b'c' | b'C' | b'N' | b'S' | b'A' => self.skip(length).await?,
                _ => {
                    return Err(Error::failed(format!(
                        "the server sent a message of type {:?} during COPY, which is not expected there",
                        char::from(kind)
                    )));
                }
            }
            if let Some(message) = failure.take_if(|message| message.severity != "ERROR") {
                return Err(Error::failed("the server ended the connection").with_server(message));
            }
        }
    }

    /// Runs statements that give no rows.
    pub async fn execute(&mut self, statements: &str) -> Result<()> {
        self.copy_out(statements, |_| Ok(())).await
    }

    async fn query(&mut self, statement: &str) -> Result<()> {
        let statement = escape::to_bytes(statement);
        let length = u32::try_from(statement.len() + 5);
        let length = length.map_err(|_| Error::failed("a statement has more than 4 GB"))?;
        let mut message = vec![b'Q'];
        message.extend(length.to_be_bytes());
        message.extend_from_slice(&statement);
        message.push(0);
        let sent = async {
            self.socket.write_all(&message).await?;
            self.socket.flush().await
        };
        sent.await.map_err(lost)
    }

    /// Type and remaining length of the next message.
    async fn header(&mut self) -> Result<(u8, usize)> {
        while self.end - self.start < 5 {
            self.fill().await?;
        }
        let head = &self.buffer[self.start..self.start + 5];
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let kind = head[0];
        let length = length
            .checked_sub(4)
            .ok_or_else(|| Error::failed(format!("the server sent a message of {length} bytes")))?;
        self.start += 5;
        Ok((kind, length))
    }

    /// Hands on the data of one message.
    async fn data(&mut self, mut length: usize, take: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        loop {
            let now = length.min(self.end - self.start);
            take(&self.buffer[self.start..self.start + now])?;
            self.start += now;
            length -= now;
            if length == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn skip(&mut self, length: usize) -> Result<()> {
        self.data(length, &mut |_| Ok(())).await
    }

    async fn body(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut keep = |piece: &[u8]| {
            let room = LONGEST_MESSAGE.saturating_sub(body.len());
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            Ok(())
        };
        self.data(length, &mut keep).await?;
        Ok(body)
    }

    /// Reads more, behind what is left.
    async fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.drained && self.received >= LONG {
            std::thread::sleep(NAP);
        }
        match self.socket.read(&mut self.buffer[self.end..]).await {
            Ok(0) => Err(lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(n) => {
                self.end += n;
                self.received += n;
                self.drained = n < LITTLE;
                Ok(())
            }
            Err(e) => Err(lost(e)),
        }
    }

    /// Says goodbye; the server would log a lost connection otherwise.
    pub async fn close(mut self) {
        // A server that is gone needs no goodbye.
        let _ = self.socket.write_all(&[b'X', 0, 0, 0, 4]).await;
        let _ = self.socket.shutdown().await;
    }
}

fn lost(e: io::Error) -> Error {
    // Not as the cause: a broken pipe here is not the broken pipe of our own output.
    Error::failed(match e.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_string(),
        _ => format!("the connection to the server was lost: {e}"),
    })
}

/// What an ErrorResponse says.
fn message_of(body: &[u8]) -> ServerMessage {
    let mut message = BytesMut::with_capacity(body.len() + 5);
    message.put_u8(b'E');
    message.put_u32(body.len() as u32 + 4);
    message.put_slice(body);
    match Message::parse(&mut message) {
        Ok(Some(Message::ErrorResponse(body))) => server_message(body.fields()),
        _ => ServerMessage::default(),
    }
}
