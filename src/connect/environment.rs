//! What the process brings along: environment variables, home directory, the operating system's user. A value of its
//! own so that a test, or a program using this library, can bring another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::params::Value;
use crate::{Error, Result};

/// Variables, home and user as the connection settings see them.
#[derive(Clone, Default)]
pub struct Environment {
    vars: BTreeMap<String, String>,
    home: Option<PathBuf>,
    os_user: Option<String>,
}

impl Environment {
    /// The process's own.
    pub fn of_process() -> Environment {
        let vars: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        let (name, passwd_home) = passwd_entry(rustix::process::geteuid().as_raw());
        let home = vars
            .get("HOME")
            .cloned()
            .filter(|h| !h.is_empty())
            .or(passwd_home);
        // A container's user often has no entry in /etc/passwd.
        let os_user = name.or_else(|| ["USER", "LOGNAME"].iter().find_map(|n| vars.get(*n).cloned()));
        Environment {
            home: home.map(PathBuf::from),
            os_user,
            vars,
        }
    }

    /// These variables and nothing else: no home, no user.
    pub fn new<K: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (K, V)>) -> Environment {
        Environment {
            vars: vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
            ..Environment::default()
        }
    }

    /// With this home directory.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Environment {
        self.home = Some(home.into());
        self
    }

    /// With this user.
    #[must_use]
    pub fn with_os_user(mut self, name: impl Into<String>) -> Environment {
        self.os_user = Some(name.into());
        self
    }

    /// A file below the home directory.
    pub(super) fn in_home(&self, path: &str) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(path))
    }

    pub(super) fn os_user(&self) -> Option<&str> {
        self.os_user.as_deref()
    }

    /// The contents of the file that `<name>_FILE` names, without a final newline, if that variable is set; an error
    /// when `name` is set, too.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<String>> {
        let is_file = self.vars.contains_key(&format!("{name}_FILE"));
        let value = if is_file { self.get(name)? } else { None };
        Ok(value.map(|value| value.text))
    }

    /// The names of the variables that begin so.
    pub(crate) fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.vars
            .keys()
            .map(String::as_str)
            .filter(move |name| name.starts_with(prefix))
    }

    /// The variable's text, or that of the file which `<name>_FILE` names.
    pub(crate) fn value(&self, name: &str) -> Result<Option<String>> {
        Ok(self.get(name)?.map(|value| value.text))
    }

    /// The variable, or the contents of the file that `<name>_FILE` names, without a final newline: the way of
    /// container secrets. An empty variable counts as not set, which is what compose files mean by it.
    pub(super) fn get(&self, name: &str) -> Result<Option<Value>> {
        let var = |name: &str| self.vars.get(name).filter(|v| !v.is_empty());
        let file_name = format!("{name}_FILE");
        match (var(name), var(&file_name)) {
            (Some(_), Some(path)) => Err(Error::usage(format!(
                "both {name} and {file_name} ({path}) are set: expected one of them"
            ))),
            (Some(value), None) => Ok(Some(Value::new(value, name))),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| Error::io(format!("cannot read {path}, which {file_name} names"), e))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                Ok(Some(Value::new(text, format!("{file_name} ({path})"))))
            }
            (None, None) => Ok(None),
        }
    }
}

/// Name and home of a user id, by reading the file itself: a static program has no name service.
fn passwd_entry(uid: u32) -> (Option<String>, Option<String>) {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|f| f.len() >= 6 && f[2].parse() == Ok(uid))
        .map_or((None, None), |f| (Some(f[0].to_string()), Some(f[5].to_string())))
}

/// The user id of a name, as [`passwd_entry`] reads it.
pub(super) fn uid_of(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|f| f.len() >= 6 && f[0] == name)
        .and_then(|f| f[2].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_loses_only_its_final_newline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        for (contents, expected) in [
            ("pw\n", "pw"),
            ("pw", "pw"),
            (" p w \r\n", " p w "),
            ("pw\n\n", "pw\n"),
        ] {
            std::fs::write(&path, contents).unwrap();
            let environment = Environment::new([("PGPASSWORD_FILE", path.to_str().unwrap())]);
            let value = environment.get("PGPASSWORD").unwrap().unwrap();
            assert_eq!(value.text, expected);
            assert!(value.origin.starts_with("PGPASSWORD_FILE ("));
        }
    }

    #[test]
    fn a_secret_given_twice_or_missing_is_told() {
        let both = Environment::new([("PGPASSWORD", "a"), ("PGPASSWORD_FILE", "/b")]);
        let error = both.get("PGPASSWORD").err().unwrap().to_string();
        assert!(error.contains("PGPASSWORD_FILE (/b)"), "{error}");
        let missing = Environment::new([("PGPASSWORD_FILE", "/nonexistent/secret")]);
        let error = missing.get("PGPASSWORD").err().unwrap().to_string();
        assert!(
            error.contains("/nonexistent/secret, which PGPASSWORD_FILE names"),
            "{error}"
        );
        let empty = Environment::new([("PGPASSWORD", "")]);
        assert!(empty.get("PGPASSWORD").unwrap().is_none());
    }
}
