//! One run at a time in a store. The kernel holds the lock (flock) and drops it with the process, so a dead process's
//! lock needs no judging. The file itself stays: removing it would let two runs lock two files of the same name.
//!
//! A place off this machine has no such file. There the runs of one machine are kept apart by the name of a socket in the
//! kernel's abstract name space, which goes with its process, too. Not promised: that runs on two machines, or in two
//! containers with networks of their own, are kept apart there.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Kind;
use crate::{Error, Result};

/// The lock file's name in the store's root.
const NAME: &str = ".pgstow.lock";
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _held: Held,
}

#[derive(Debug)]
enum Held {
    File { _file: File },
    Socket { _socket: UnixListener },
}

impl Lock {
    /// Takes the lock of the store at `root`, waiting up to `wait` for another run to end.
    pub async fn take(root: &Path, wait: Duration) -> Result<Lock> {
        let path = root.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| super::access::cannot("write to", root, e))?;
        let began = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) if began.elapsed() < wait => {
                    tokio::time::sleep(PAUSE).await
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(&path, &mut file, wait)),
                Err(e) => return Err(Error::io(format!("cannot lock {}", path.display()), e.into())),
            }
        }
        // Only for the message above; a full disk must not keep `cleanup` from making room.
        let _ = file.set_len(0).and_then(|()| {
            file.rewind()?;
            let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S UTC");
            write!(file, "process {} since {now}", std::process::id())
        });
        let _held = Held::File { _file: file };
        Ok(Lock { _held })
    }

    /// Takes the lock of a place off this machine, which `identity` tells from others, waiting up to `wait` for another
    /// run to end.
    pub async fn take_for(place: &str, identity: &str, wait: Duration) -> Result<Lock> {
        // The kernel allows some hundred bytes.
        let name = format!("pgstow-{:032x}", xxh3_128(identity.as_bytes()));
        let address =
            SocketAddr::from_abstract_name(name).map_err(|e| Error::io(format!("cannot lock {place}"), e))?;
        let began = Instant::now();
        loop {
            match UnixListener::bind_addr(&address) {
                Ok(socket) => {
                    let _held = Held::Socket { _socket: socket };
                    return Ok(Lock { _held });
                }
                Err(e) if e.kind() != ErrorKind::AddrInUse => {
                    return Err(Error::io(format!("cannot lock {place}"), e));
                }
                Err(_) if began.elapsed() < wait => tokio::time::sleep(PAUSE).await,
                Err(_) => {
                    let waited = wait.as_secs();
                    let text = format!("another run is backing up to {place}, waited {waited} s for it");
                    return Err(Error::new(Kind::Locked, text).hint(HINT));
                }
            }
        }
    }
}

const HINT: &str = "Try again when that run has ended, or wait longer with --lock-wait (LOCK_WAIT).";

fn held(path: &Path, file: &mut File, wait: Duration) -> Error {
    let mut holder = String::new();
    let known = file
        .rewind()
        .and_then(|()| file.read_to_string(&mut holder))
        .is_ok()
        && !holder.is_empty();
    let holder = if known { holder.as_str() } else { "another run" };
    Error::new(
        Kind::Locked,
        format!(
            "the store is in use: {} is locked by {holder}, waited {} s for it",
            path.display(),
            wait.as_secs()
        ),
    )
    .hint(HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_run_to_the_same_place_is_refused_until_the_first_has_ended() {
        let place = format!("s3://lock-test/{}", std::process::id());
        let first = Lock::take_for(&place, &place, Duration::ZERO).await.unwrap();
        let refused = Lock::take_for(&place, &place, Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Locked);
        assert!(Lock::take_for(&place, "other", Duration::ZERO).await.is_ok());
        let waiting = Lock::take_for(&place, &place, Duration::from_secs(20));
        let end = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(first);
        };
        assert!(tokio::join!(waiting, end).0.is_ok());
    }

    #[tokio::test]
    async fn a_second_run_is_refused_until_the_first_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path(), Duration::ZERO).await.unwrap();
        let refused = Lock::take(dir.path(), Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Locked);
        let holder = format!("locked by process {} since", std::process::id());
        assert!(refused.to_string().contains(&holder), "{refused}");
        let waiting = Lock::take(dir.path(), Duration::from_secs(20));
        let (second, ()) = tokio::join!(waiting, async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(first);
        });
        second.unwrap();
    }

    #[tokio::test]
    async fn a_lock_file_left_by_a_dead_process_locks_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "process 1 since 2001-01-01 00:00:00 UTC").unwrap();
        Lock::take(dir.path(), Duration::ZERO).await.unwrap();
    }
}
