//! A file that gets its final name only when it is finished: written under a temporary name in the same directory,
//! fsynced, renamed, directory fsynced. Dropped before that, it is gone.
//!
//! A process that is killed leaves its temporary file behind. It holds a lock on it while it lives, so that
//! [`remove_stale`] can tell the dead one's file from one being written. Where the file system knows no such locks,
//! stale files are left alone.

use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions};

use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::archive::{self, Summary};
use crate::{Error, Result};

/// End of a temporary file's name, which also begins with a dot.
const SUFFIX: &str = ".pgstow-tmp";

/// A file being written.
#[derive(Debug)]
pub struct Pending {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    committed: bool,
}

impl Pending {
    /// Begins a file that shall stand at `target`; its permission bits are `mode` less the process's umask.
    pub fn create(target: impl Into<PathBuf>, mode: u32) -> Result<Pending> {
        let target = target.into();
        let name = target
            .file_name()
            .ok_or_else(|| Error::usage(format!("{} is not the name of a file", target.display())))?;
        if target.is_dir() {
            return Err(Error::usage(format!(
                "{} is a directory, expected the name of a file",
                target.display()
            )));
        }
        // A process's number says nothing: in containers that share a volume it is always 1.
        let (temporary, file) = loop {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(
                ".{:016x}{SUFFIX}",
                RandomState::new().hash_one(std::process::id())
            ));
            let temporary = target.with_file_name(hidden);
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&temporary);
            match opened {
                Ok(file) => match claim(&file, &temporary) {
                    Ok(true) => break (temporary, file),
                    Ok(false) => {}
                    Err(e) => {
                        let _ = std::fs::remove_file(&temporary);
                        return Err(Error::io(format!("cannot lock {}", temporary.display()), e));
                    }
                },
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(super::access::cannot("write to", directory_of(&target), e)),
            }
        };
        Ok(Pending {
            file,
            temporary,
            target,
            committed: false,
        })
    }

    /// The open file, to read and write.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the bytes are until [`Pending::commit`]: for reading them back.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Reads back what was written and holds it against what a dump says that it wrote.
    ///
    /// # Errors
    /// The disk has other bytes; or the work was cancelled.
    pub async fn read_back(&self, written: Summary, cancel: &CancellationToken) -> Result<Summary> {
        let path = self.temporary.clone();
        let reading =
            tokio::task::spawn_blocking(move || archive::read_back(&path, &written).map(|()| written));
        tokio::select! {
            read = reading => read.map_err(|e| Error::failed("reading the file back failed").because(e))?,
            () = cancel.cancelled() => Err(Error::interrupted()),
        }
    }

    /// Notes beside the file's bytes how long it took to make ([`took`](super::took)).
    pub fn note_duration(&self, took: Duration) {
        super::took::note(&self.file, took);
    }

    /// A second handle of the open file, for a writer on another thread.
    pub fn to_writer(&self) -> Result<File> {
        let handle = self.file.try_clone();
        handle.map_err(|e| Error::io(format!("cannot write {}", self.target.display()), e))
    }

    /// Makes this file another name of a finished one on the same file system; `false` where that cannot be.
    pub(super) fn replace_by_link(&self, finished: &Path) -> bool {
        let linked = self.temporary.with_extension(format!("link{SUFFIX}"));
        let done = std::fs::hard_link(finished, &linked).is_ok()
            && std::fs::rename(&linked, &self.temporary).is_ok();
        if !done {
            let _ = std::fs::remove_file(&linked);
        }
        done
    }

    /// Gives the file its final name, replacing what stood there, once its bytes are safe on disk.
    pub fn commit(mut self) -> Result<()> {
        self.file.sync_all().map_err(|e| self.cannot("write", e))?;
        self.rename()?;
        sync_directory(directory_of(&self.target)).map_err(|e| self.cannot("write the directory entry of", e))
    }

    /// Gives the file its final name without waiting for the disk (`--no-sync`): after a crash of the system it may not
    /// be whole.
    pub fn commit_unsynced(mut self) -> Result<()> {
        self.rename()
    }

    fn rename(&mut self) -> Result<()> {
        std::fs::rename(&self.temporary, &self.target).map_err(|e| self.cannot("create", e))?;
        // Renaming a file over another name of itself does nothing at all, so the temporary name may still be there.
        self.committed = !self.temporary.exists();
        Ok(())
    }

    fn cannot(&self, what: &str, e: io::Error) -> Error {
        Error::io(format!("cannot {what} {}", self.target.display()), e)
    }
}

/// Locks a file just made, so that nobody takes it for a dead process's. `false`: somebody did in the moment before, and
/// removes it or has removed it.
fn claim(file: &File, path: &Path) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => match std::fs::symlink_metadata(path) {
            Ok(there) => Ok(there.ino() == file.metadata()?.ino()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        },
        Err(Errno::WOULDBLOCK) => Ok(false),
        // Some network file systems have no locks; the file is as good without, for there nothing is ever found stale.
        Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK | Errno::INVAL) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

/// Flushes a file's bytes to disk, and asks the system to forget its copy of them, so that reading them back reads the
/// disk.
pub fn settle(file: &File) -> io::Result<()> {
    file.sync_all()?;
    // Advice; where it is not taken, the bytes come from memory.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    Ok(())
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing better can be done about a failure here; the next run tries again.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// The directory of a file; the current one for a bare name.
pub(super) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes renames, links and removals in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Removes the temporary files that dead processes left in a directory; their names.
pub fn remove_stale(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    let cannot_read = |e| super::access::cannot("read", directory, e);
    for entry in std::fs::read_dir(directory).map_err(cannot_read)? {
        let path = entry.map_err(cannot_read)?.path();
        if !is_temporary(&path) {
            continue;
        }
        let cannot_remove = |e| Error::io(format!("cannot remove the stale file {}", path.display()), e);
        let file = match File::open(&path) {
            Ok(file) => file,
            // Its writer finished or gave up between our two looks.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            // Another user's, in a directory that is shared.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => continue,
            Err(e) => return Err(cannot_remove(e)),
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            std::fs::remove_file(&path).map_err(cannot_remove)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

fn is_temporary(path: &Path) -> bool {
    path.file_name()
        .and_then(|n| n.to_str())
        .is_some_and(|n| n.starts_with('.') && n.ends_with(SUFFIX))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_final_name_only_after_commit() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.sql.gz");
        let pending = Pending::create(&target, 0o600).unwrap();
        pending.file().write_all(b"whole").unwrap();
        assert!(!target.exists());
        assert_eq!(std::fs::read(pending.path()).unwrap(), b"whole");
        pending.commit().unwrap();
        assert_eq!(names(dir.path()), ["a.sql.gz"]);
        assert_eq!(std::fs::read(target).unwrap(), b"whole");
    }

    #[test]
    fn a_file_that_another_process_takes_for_stale_is_not_written_into() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".a.sql.gz.1.pgstow-tmp");
        let file = File::create(&path).unwrap();
        assert!(claim(&file, &path).unwrap());
        let other = File::open(&path).unwrap();
        assert!(!claim(&other, &path).unwrap(), "it is locked");
        std::fs::remove_file(&path).unwrap();
        assert!(!claim(&file, &path).unwrap(), "it is removed");
        let _again = File::create(&path).unwrap();
        assert!(!claim(&file, &path).unwrap(), "its name is another file's");
    }

    #[test]
    fn a_file_given_up_leaves_nothing_and_the_older_one_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.sql.gz");
        std::fs::write(&target, "older").unwrap();
        let pending = Pending::create(&target, 0o600).unwrap();
        pending.file().write_all(b"half").unwrap();
        drop(pending);
        assert_eq!(names(dir.path()), ["a.sql.gz"]);
        assert_eq!(std::fs::read(target).unwrap(), b"older");
    }

    #[test]
    fn a_dead_process_s_file_is_removed_and_a_living_one_s_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let living = Pending::create(dir.path().join("b.sql.gz"), 0o600).unwrap();
        let dead = dir.path().join(".a.sql.gz.1.pgstow-tmp");
        std::fs::write(&dead, "half").unwrap();
        std::fs::write(dir.path().join(".other"), "not ours").unwrap();
        assert_eq!(remove_stale(dir.path()).unwrap(), [dead]);
        assert!(living.path().exists());
        assert!(dir.path().join(".other").exists());
    }
}
