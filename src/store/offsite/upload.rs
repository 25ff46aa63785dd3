//! An upload: bytes are written as to a file, and leave in parts, two at a time, each tried again when it fails. The
//! object is there when all have arrived, or not at all.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use xxhash_rust::xxh3::Xxh3;

use super::{Offsite, Trouble, directory, patiently};
use crate::{Error, Result};

/// The smallest part: S3 wants 5 MiB at least.
const PART: u64 = 8 << 20;
/// Parts that an object may have, less than the 10,000 of S3 since what comes may be more than was expected.
const PARTS: u64 = 5_000;
/// Parts on their way at the same time.
const AT_ONCE: usize = 2;

/// The size of the parts of an object of about so many bytes. All parts but the last are of one size, as R2 wants it.
fn part_size(expected: u64) -> usize {
    let size = expected.div_ceil(PARTS).next_multiple_of(1 << 20);
    usize::try_from(size.max(PART)).unwrap_or(usize::MAX)
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Bytes sent.
    pub bytes: u64,
    /// XXH3-128 of them.
    pub hash: u128,
}

/// What goes from the writer to the sender.
pub(super) enum Message {
    Part(Bytes),
    /// Nothing more comes. Without it, what was sent is thrown away.
    End,
}

/// An upload under way.
pub struct Upload(JoinHandle<Result<()>>);

/// Takes the bytes of an upload. Must be used on a thread where blocking is allowed.
pub struct PartWriter {
    parts: mpsc::Sender<Message>,
    part: BytesMut,
    size: usize,
    hash: Xxh3,
    bytes: u64,
}

impl Offsite {
    /// Begins to upload an object of about so many bytes; where the number is exact, `exactly`.
    pub fn upload(&self, relative: &str, expected: u64, exactly: bool) -> Result<(Upload, PartWriter)> {
        let (parts, messages) = mpsc::channel(1);
        let path = self.path(relative)?;
        let size = part_size(expected);
        let offsite = self.clone();
        let shown = self.shown(relative);
        let relative_to_root = relative.to_string();
        let sending = tokio::spawn(async move {
            let sent = match (&offsite.webdav, offsite.address.directory()) {
                (_, Some(root)) => directory::put(root, relative_to_root, messages).await,
                (Some(server), None) => {
                    let length = exactly.then_some(expected);
                    server.put(path.as_ref(), messages, length).await
                }
                (None, None) => send(&*offsite.store, &path, messages).await,
            };
            sent.map_err(|e| match e {
                Failure::Trouble(trouble) => trouble.told("write", &shown),
                Failure::Told(error) => error.context(format!("cannot write {shown}")),
                Failure::GivenUp => Error::interrupted(),
            })
        });
        let upload = Upload(sending);
        let writer = PartWriter {
            parts,
            part: BytesMut::new(),
            size,
            hash: Xxh3::new(),
            bytes: 0,
        };
        Ok((upload, writer))
    }
}

/// Why nothing was uploaded.
pub(super) enum Failure {
    Trouble(Trouble),
    Told(Error),
    /// The writer was dropped.
    GivenUp,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure::Trouble(trouble)
    }
}

impl Upload {
    /// Waits until all has arrived. To be called when the writer has finished, or been dropped: then the error is the
    /// one that made it stop, or an interruption.
    pub async fn end(self) -> Result<()> {
        let sent = self.0.await;
        sent.map_err(|e| Error::failed("sending was cut off").because(e))?
    }
}

impl PartWriter {
    fn send(&mut self, message: Message) -> io::Result<()> {
        let sent = self.parts.blocking_send(message);
        // Not a broken pipe, which ends the program quietly.
        sent.map_err(|_| io::Error::new(io::ErrorKind::ConnectionAborted, "the upload has failed"))
    }

    /// Sends what is left, and says that it was all.
    pub fn finish(mut self) -> io::Result<Sent> {
        if !self.part.is_empty() {
            let last = self.part.split().freeze();
            self.send(Message::Part(last))?;
        }
        // Who knows the length may have gone when all of it was there. Whether it arrived is what [`Upload::end`] says.
        let _ = self.send(Message::End);
        Ok(Sent {
            bytes: self.bytes,
            hash: self.hash.digest128(),
        })
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.capacity() == 0 {
            // Small objects are many, and need no part of full size.
            self.part.reserve(bytes.len().max(64 << 10).min(self.size));
        }
        let n = bytes.len().min(self.size - self.part.len());
        self.part.extend_from_slice(&bytes[..n]);
        self.hash.update(&bytes[..n]);
        self.bytes += n as u64;
        if self.part.len() == self.size {
            let part = self.part.split().freeze();
            self.send(Message::Part(part))?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends the parts that come: one of them as it is, several as a multipart upload.
async fn send(
    store: &dyn ObjectStore,
    path: &Path,
    mut messages: mpsc::Receiver<Message>,
) -> Result<(), Failure> {
    let first = match messages.recv().await {
        Some(Message::Part(first)) => first,
        Some(Message::End) => Bytes::new(),
        None => return Err(Failure::GivenUp),
    };
    let second = match messages.recv().await {
        Some(Message::Part(second)) => second,
        Some(Message::End) => {
            patiently(store.put(path, first.into())).await?;
            return Ok(());
        }
        None if first.is_empty() => {
            patiently(store.put(path, first.into())).await?;
            return Ok(());
        }
        None => return Err(Failure::GivenUp),
    };
    let mut upload = patiently(store.put_multipart(path)).await?;
    let sent = send_parts(&mut *upload, [first, second], messages).await;
    let sent = match sent {
        Ok(()) => patiently(upload.complete())
            .await
            .map(drop)
            .map_err(Failure::from),
        Err(e) => Err(e),
    };
    if sent.is_err() {
        // Parts that stay would cost money; the reason for the failure is worth more than that of this one.
        let _ = patiently(upload.abort()).await;
    }
    sent
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    first: [Bytes; 2],
    mut messages: mpsc::Receiver<Message>,
) -> Result<(), Failure> {
    let mut sending = JoinSet::new();
    for part in first {
        sending.spawn(patiently(upload.put_part(part.into())));
    }
    loop {
        while sending.len() >= AT_ONCE {
            one(&mut sending).await?;
        }
        match messages.recv().await {
            Some(Message::Part(part)) => {
                sending.spawn(patiently(upload.put_part(part.into())));
            }
            Some(Message::End) => break,
            None => return Err(Failure::GivenUp),
        }
    }
    while !sending.is_empty() {
        one(&mut sending).await?;
    }
    Ok(())
}

/// Waits for one part to arrive.
async fn one(sending: &mut JoinSet<Result<(), Trouble>>) -> Result<(), Failure> {
    match sending.join_next().await {
        Some(Ok(sent)) => Ok(sent?),
        Some(Err(e)) => Err(Failure::Told(Error::failed("sending was cut off").because(e))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_their_number_demands() {
        assert_eq!(part_size(0), 8 << 20);
        assert_eq!(part_size(40 << 30), 9 << 20);
        let size = part_size(4 << 40) as u64;
        assert!((4u64 << 40).div_ceil(size) <= PARTS && size.is_multiple_of(1 << 20));
    }
}
