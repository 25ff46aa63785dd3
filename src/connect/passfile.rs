//! `~/.pgpass`: lines of `host:port:database:role:password`, the first that fits wins.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A text that no message and no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The file's lines, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct PassFile {
    path: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    /// Host, port, database, role; `None` is the wildcard `*`.
    keys: [Option<String>; 4],
    password: Secret,
}

impl PassFile {
    /// Reads the file. One that others may read is not used, as libpq does it, and the second value says so; a missing
    /// one is an empty one, unless it was `named`.
    pub(super) fn read(path: &Path, named: bool) -> Result<(PassFile, Option<String>)> {
        let shown = path.display();
        let none = PassFile::default();
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(_) if !named => return Ok((none, None)),
            Err(e) => {
                return Ok((
                    none,
                    Some(format!("the password file {shown} cannot be read: {e}")),
                ));
            }
        };
        if !metadata.is_file() {
            return Ok((
                none,
                Some(format!(
                    "the password file {shown} is not a plain file and is not used"
                )),
            ));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let why = format!(
                "the password file {shown} is not used: its mode is {mode:04o}, others may read it (chmod 0600 {shown})"
            );
            return Ok((none, Some(why)));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::io(format!("cannot read the password file {shown}"), e))?;
        let file = PassFile {
            path: path.to_path_buf(),
            entries: parse(&text),
        };
        Ok((file, None))
    }

    /// The password for these four, and where it stands. `host` is what the user called it; a socket's usual
    /// directories are also `localhost`.
    pub(super) fn find(&self, host: &str, port: u16, dbname: &str, user: &str) -> Option<(Secret, String)> {
        let port = port.to_string();
        let local = super::settings::SOCKET_DIRS.contains(&host);
        let entry = self.entries.iter().find(|e| {
            let fits = |key: &Option<String>, value: &str| key.as_deref().is_none_or(|k| k == value);
            (fits(&e.keys[0], host) || local && fits(&e.keys[0], "localhost"))
                && fits(&e.keys[1], &port)
                && fits(&e.keys[2], dbname)
                && fits(&e.keys[3], user)
        })?;
        let origin = format!("{}, line {}", self.path.display(), entry.line);
        Some((entry.password.clone(), origin))
    }
}

/// Lines that are no entries are passed over, as libpq does.
fn parse(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with('#') {
            continue;
        }
        let mut rest = line;
        let keys: [Option<Option<String>>; 4] = std::array::from_fn(|_| {
            let (field, after) = split_field(rest)?;
            rest = after;
            Some(if field == "*" { None } else { Some(unescape(field)) })
        });
        let [Some(host), Some(port), Some(dbname), Some(user)] = keys else {
            continue;
        };
        entries.push(Entry {
            line: number + 1,
            keys: [host, port, dbname, user],
            password: Secret(unescape(rest)),
        });
    }
    entries
}

/// Up to the next colon that no backslash precedes.
fn split_field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# comment:with:many:colons:x
db.example.org:5432:app:backup:first
db.example.org:*:app:*:second
short line
localhost:5432:*:backup:pass\\:wo\\\\rd
::1:5432:x:y:never
\\:\\:1:5432:*:*:six
*:*:*:last:a:b:c
";

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let file = PassFile {
            path: "/home/x/.pgpass".into(),
            entries: parse(TEXT),
        };
        let find = |host: &str, port, dbname: &str, user: &str| {
            file.find(host, port, dbname, user)
                .map(|(secret, origin)| (secret.0, origin))
        };
        let at = |line: u32| format!("/home/x/.pgpass, line {line}");
        assert_eq!(
            find("db.example.org", 5432, "app", "backup"),
            Some(("first".into(), at(2)))
        );
        assert_eq!(
            find("db.example.org", 5433, "app", "backup"),
            Some(("second".into(), at(3)))
        );
        assert_eq!(find("db.example.org", 5433, "app_test", "backup"), None);
        assert_eq!(
            find("/var/run/postgresql", 5432, "z", "backup"),
            Some(("pass:wo\\rd".into(), at(5)))
        );
        assert_eq!(find("/srv/socket", 5432, "z", "backup"), None);
        assert_eq!(find("::1", 5432, "z", "q"), Some(("six".into(), at(7))));
        assert_eq!(find("h", 1, "z", "last"), Some(("a:b:c".into(), at(8))));
    }

    #[test]
    fn a_password_file_that_others_may_read_is_not_used_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pgpass");
        std::fs::write(&path, "*:*:*:*:secret\n").unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let (file, why) = PassFile::read(&path, true).unwrap();
            assert_eq!(file.find("h", 1, "d", "u").is_some(), used, "{mode:o}");
            assert_eq!(why.is_none(), used);
            if let Some(why) = why {
                assert!(
                    why.contains(&format!("{mode:04o}")) && why.contains("chmod 0600"),
                    "{why}"
                );
            }
            assert!(!format!("{file:?}").contains("secret"));
        }
        assert!(
            PassFile::read(&dir.path().join("none"), false)
                .unwrap()
                .1
                .is_none()
        );
        assert!(
            PassFile::read(&dir.path().join("none"), true)
                .unwrap()
                .1
                .is_some()
        );
        assert!(
            PassFile::read(dir.path(), true)
                .unwrap()
                .1
                .unwrap()
                .contains("plain file")
        );
    }
}
