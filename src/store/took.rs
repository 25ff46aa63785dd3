//! How long a backup took, kept beside its bytes as an extended attribute of the file.
//!
//! It cannot be among the bytes: those depend on the snapshot and the options alone. A hard link has it too, and copies by
//! `cp --preserve=xattr`, `rsync -X` and `tar --xattrs`. Not promised: file systems without such attributes; there the
//! store's journal tells, for as long as it remembers.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{XattrFlags, fsetxattr, getxattr};

/// Seconds, as decimal text.
const ATTRIBUTE: &str = "user.pgstow.seconds";

/// Notes it on a file. Nothing depends on it, so where it cannot be, it is not.
pub(super) fn note(file: &File, took: Duration) {
    let text = format!("{:.3}", took.as_secs_f64());
    let _ = fsetxattr(file, ATTRIBUTE, text.as_bytes(), XattrFlags::empty());
}

/// The seconds that stand on a file.
pub fn seconds(path: &Path) -> Option<f64> {
    let mut bytes = [0; 32];
    let length = getxattr(path, ATTRIBUTE, &mut bytes).ok()?;
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_where_the_file_system_keeps_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(seconds(file.path()), None);
        let keeps = fsetxattr(file.as_file(), "user.test", b"1", XattrFlags::empty()).is_ok();
        note(file.as_file(), Duration::from_millis(1_500));
        assert_eq!(seconds(file.path()), keeps.then_some(1.5));
    }
}
