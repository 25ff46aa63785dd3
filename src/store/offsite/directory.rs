//! Uploads to a directory, such as a mounted file server: as the store writes its own files, for their owner alone and
//! flushed to disk before they get their name.

use std::io::Write;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::upload::{Failure, Message};
use crate::Error;
use crate::store::{FILE_MODE, Pending, Store};

/// Writes what comes into a file below a directory that must be there already.
pub(super) async fn put(
    root: PathBuf,
    relative: String,
    messages: mpsc::Receiver<Message>,
) -> Result<(), Failure> {
    let writing = tokio::task::spawn_blocking(move || write(root, &relative, messages));
    let failed = |e| Failure::Told(Error::failed("writing was cut off").because(e));
    writing.await.map_err(failed)?
}

fn write(root: PathBuf, relative: &str, mut messages: mpsc::Receiver<Message>) -> Result<(), Failure> {
    let store = Store::open(root).map_err(Failure::Told)?;
    store.prepare().map_err(Failure::Told)?;
    let target = store.root().join(relative);
    let pending = Pending::create(&target, FILE_MODE).map_err(Failure::Told)?;
    loop {
        match messages.blocking_recv() {
            Some(Message::Part(part)) => pending
                .file()
                .write_all(&part)
                .map_err(|e| Failure::Told(Error::io("the disk does not take it", e)))?,
            Some(Message::End) => return pending.commit().map_err(Failure::Told),
            None => return Err(Failure::GivenUp),
        }
    }
}
