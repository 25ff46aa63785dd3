//! A session without the protocol library: messages as they are, for those who must send bytes that are not UTF-8, or
//! learn of an error while they are still sending.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};

use postgres_protocol::message::backend::{ErrorFields, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::cancel::CancelHandle;
use super::loan::Loan;
use super::socket::Socket;
use crate::Result;
use crate::error::ServerMessage;

/// Messages shorter than this are collected into one write.
const BUFFER: usize = 64 << 10;

/// The two directions of a session whose messages are sent and received one by one.
pub struct Wire {
    /// What the server says.
    pub receiver: WireReceiver,
    /// What it is told.
    pub sender: WireSender,
    /// Cancels what it is doing.
    pub cancel: CancelHandle,
}

impl Wire {
    /// Takes the socket back from the library. The session must be idle: no query is running.
    pub(super) fn new(loan: &Loan, cancel: CancelHandle) -> Result<Wire> {
        let socket = loan.take_back()?;
        let (read, write) = tokio::io::split(socket);
        Ok(Wire {
            receiver: WireReceiver {
                socket: read,
                buffer: BytesMut::with_capacity(BUFFER),
            },
            sender: WireSender {
                socket: write,
                buffer: BytesMut::with_capacity(2 * BUFFER),
            },
            cancel,
        })
    }
}

/// The server's side of a [`Wire`].
pub struct WireReceiver {
    socket: ReadHalf<Socket>,
    buffer: BytesMut,
}

impl WireReceiver {
    /// The next message, `None` when the server has closed the connection. Safe to drop and call again.
    pub async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = Message::parse(&mut self.buffer)? {
                return Ok(Some(message));
            }
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Our side of a [`Wire`].
pub struct WireSender {
    socket: WriteHalf<Socket>,
    buffer: BytesMut,
}

impl WireSender {
    /// A simple query: the text's bytes as they are, in the session's client encoding. There must be no zero byte in it.
    pub async fn query(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|p| p.len()).sum();
        self.header(b'Q', length + 1)?;
        for part in parts {
            self.write(part).await?;
        }
        self.buffer.put_u8(0);
        self.keep_small().await
    }

    /// Rows, or parts of rows, for a COPY.
    pub async fn copy_data(&mut self, data: &Bytes) -> io::Result<()> {
        self.header(b'd', data.len())?;
        self.write(data).await?;
        self.keep_small().await
    }

    /// The end of a COPY's rows.
    pub async fn copy_done(&mut self) -> io::Result<()> {
        self.header(b'c', 0)?;
        self.keep_small().await
    }

    /// The end of a COPY that is to fail. There must be no zero byte in the reason.
    pub async fn copy_fail(&mut self, reason: &str) -> io::Result<()> {
        self.header(b'f', reason.len() + 1)?;
        self.write(reason.as_bytes()).await?;
        self.buffer.put_u8(0);
        self.keep_small().await
    }

    /// Sends what has been collected.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.socket.write_all(&self.buffer).await?;
            self.buffer.clear();
        }
        self.socket.flush().await
    }

    /// Ends the session. The server rolls back what is open.
    pub async fn close(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    fn header(&mut self, kind: u8, length: usize) -> io::Result<()> {
        let length = i32::try_from(length + 4).map_err(io::Error::other)?;
        self.buffer.put_u8(kind);
        self.buffer.put_i32(length);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() <= BUFFER {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.socket.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.socket.write_all(bytes).await
    }

    async fn keep_small(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER {
            self.socket.write_all(&self.buffer).await?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// What an error or a notice says. Its text is in the session's client encoding: where that is not UTF-8, letters
/// beyond ASCII are shown as LATIN1 has them, which is right more often than any other guess.
pub fn server_message(mut fields: ErrorFields<'_>) -> ServerMessage {
    let mut message = ServerMessage::default();
    while let Ok(Some(field)) = fields.next() {
        let bytes = field.value_bytes();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_string(),
            Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
        };
        match field.type_() {
            b'S' if message.severity.is_empty() => message.severity = text,
            // Never translated, unlike `S`.
            b'V' => message.severity = text,
            b'C' => message.code = text,
            b'M' => message.message = text,
            b'D' => message.detail = Some(text),
            b'H' => message.hint = Some(text),
            b'W' => message.context = Some(text),
            b'P' => message.position = text.parse().ok(),
            _ => {}
        }
    }
    message
}
