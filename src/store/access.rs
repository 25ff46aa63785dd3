//! Why a directory cannot be used, told so that the reader can mend it: who owns it, its mode, and who we are.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Error;

/// The error for a directory that cannot be read or written to (`what`).
pub(super) fn cannot(what: &str, directory: &Path, cause: io::Error) -> Error {
    let shown = directory.display();
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    match cause.kind() {
        io::ErrorKind::NotFound => Error::failed(format!("directory {shown} does not exist")).hint(format!(
            "Create it (mkdir -p {shown}), or mount the volume that belongs there."
        )),
        io::ErrorKind::NotADirectory => Error::failed(format!("{shown} is not a directory, expected one")),
        io::ErrorKind::PermissionDenied => {
            let owner = match std::fs::metadata(directory) {
                Ok(meta) => format!(
                    "it belongs to uid {} gid {} with mode {:04o}",
                    meta.uid(),
                    meta.gid(),
                    meta.mode() & 0o7777
                ),
                Err(e) => format!("its owner cannot be read: {e}"),
            };
            Error::failed(format!(
                "cannot {what} directory {shown}: permission denied; {owner}, and this process runs as uid {uid} gid {gid}"
            ))
            .hint(format!("Give it to this user (chown {uid}:{gid} {shown}), or run as its owner."))
        }
        _ => Error::io(format!("cannot {what} directory {shown}"), cause),
    }
}
