//! Meta-commands: the few that dumps contain are understood, all others are refused by name.

use bytes::Bytes;

use crate::error::Kind;
use crate::{Error, Result};

/// A meta-command, as it stands in the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The line from the backslash on, without its line end.
    pub text: Bytes,
    /// Line in the script, from 1.
    pub line: u64,
    /// What it asks for.
    pub command: Command,
}

/// The meta-commands that a script may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `\restrict KEY`: no meta-command may follow until `\unrestrict` with the same key (pg_dump since August 2025).
    Restrict(String),
    /// `\unrestrict KEY`.
    Unrestrict(String),
    /// `\set ON_ERROR_STOP on`: what a restore does anyway.
    StopOnError,
    /// `\encoding NAME`: the client encoding. pg_dump writes it before it connects to a database with an odd name.
    Encoding(String),
    /// `\connect`: the statements that follow are for another database.
    Connect {
        /// Its name, if the command gives one.
        dbname: Option<String>,
    },
}

/// Reads a meta-command's line, which begins with a backslash.
pub(super) fn parse(text: &[u8], line: u64) -> Result<Command> {
    let end = text[1..]
        .iter()
        .position(|b| b.is_ascii_whitespace() || *b == b'\\');
    let (name, rest) = text[1..].split_at(end.unwrap_or(text.len() - 1));
    let name = String::from_utf8_lossy(name).into_owned();
    let wrong = |what: &str| Error::new(Kind::Script, format!("line {line}: \\{name} {what}"));
    let arguments = || arguments(rest).ok_or_else(|| wrong("has arguments that only psql can read"));
    match name.as_str() {
        "restrict" | "unrestrict" => match <[String; 1]>::try_from(arguments()?) {
            Ok([key]) if name == "restrict" => Ok(Command::Restrict(key)),
            Ok([key]) => Ok(Command::Unrestrict(key)),
            Err(_) => Err(wrong("must have one key")),
        },
        "set" => match arguments()?.as_slice() {
            [variable, value] if variable == "ON_ERROR_STOP" => match value.to_ascii_lowercase().as_str() {
                "on" | "1" | "true" | "yes" => Ok(Command::StopOnError),
                _ => Err(wrong(&format!(
                    "ON_ERROR_STOP {value} is refused: a restore always stops at an error"
                ))),
            },
            [variable, ..] => Err(refused(&format!("set {variable}"), line)),
            [] => Err(refused(&name, line)),
        },
        "encoding" => match <[String; 1]>::try_from(arguments()?) {
            Ok([name]) => Ok(Command::Encoding(name)),
            Err(_) => Err(wrong("must have one name")),
        },
        "connect" | "c" => Ok(Command::Connect {
            dbname: dbname(&arguments()?),
        }),
        _ => Err(refused(&name, line)),
    }
}

/// The error for a meta-command that no script may contain.
pub(super) fn refused(name: &str, line: u64) -> Error {
    let name: String = name.chars().take(40).collect();
    Error::new(Kind::Script, format!("line {line}: the meta-command \\{name} is refused")).hint(
        "A script is only ever sent to the database. Remove the command from the script, or replay it with psql if you \
         trust it.",
    )
}

/// The name of the command at the beginning of `text`, which begins with a backslash.
pub(super) fn name(text: &[u8]) -> String {
    let name: Vec<u8> = text[1..]
        .iter()
        .copied()
        .take(40)
        .enumerate()
        .take_while(|(n, b)| !b.is_ascii_whitespace() && (*n == 0 || b.is_ascii_alphanumeric()))
        .map(|(_, b)| b)
        .collect();
    String::from_utf8_lossy(&name).into_owned()
}

/// The arguments, quotes undone. `None` for backquotes (which would run a program), variables, a second command on
/// the line, an open quote, or bytes that are not UTF-8.
fn arguments(text: &[u8]) -> Option<Vec<String>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_whitespace() {
            open = false;
            continue;
        }
        if !open {
            all.push(Vec::new());
            open = true;
        }
        let argument = all.last_mut()?;
        match byte {
            b'"' | b'\'' => loop {
                match bytes.next()? {
                    b'\\' if byte == b'\'' => return None,
                    b if b == byte && bytes.peek() == Some(&byte) => argument.push(bytes.next()?),
                    b if b == byte => break,
                    b => argument.push(b),
                }
            },
            b'`' | b'\\' | b':' => return None,
            _ => argument.push(byte),
        }
    }
    all.into_iter()
        .map(|argument| String::from_utf8(argument).ok())
        .collect()
}

/// The database a `\connect` names: a name, or a `dbname=` in a connection string as pg_dump writes it.
fn dbname(arguments: &[String]) -> Option<String> {
    let named: Vec<_> = arguments
        .iter()
        .filter(|a| !a.starts_with("-reuse-previous="))
        .collect();
    let target = named.first().filter(|name| name.as_str() != "-")?;
    let Some(value) = target.strip_prefix("dbname=") else {
        return Some(target.to_string());
    };
    let Some(quoted) = value.strip_prefix('\'') else {
        return value.split_whitespace().next().map(str::to_string);
    };
    let mut out = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '\'' => return Some(out),
            '\\' => out.push(chars.next()?),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_dumps_are_understood() {
        let connect = |dbname: &str| Command::Connect {
            dbname: Some(dbname.into()),
        };
        for (text, want) in [
            ("\\restrict aB3", Command::Restrict("aB3".into())),
            ("\\unrestrict aB3\r", Command::Unrestrict("aB3".into())),
            ("\\set ON_ERROR_STOP on", Command::StopOnError),
            ("\\set ON_ERROR_STOP 1", Command::StopOnError),
            ("\\encoding SQL_ASCII", Command::Encoding("SQL_ASCII".into())),
            ("\\connect app", connect("app")),
            ("\\c \"Big App\"", connect("Big App")),
            (
                "\\connect -reuse-previous=on \"dbname='it\\\\'s \"\"x\"\"'\"",
                connect("it\\"),
            ),
            (
                "\\connect -reuse-previous=on \"dbname='it\\'s \"\"x\"\"'\"",
                connect("it's \"x\""),
            ),
            ("\\connect - other", Command::Connect { dbname: None }),
        ] {
            assert_eq!(parse(text.as_bytes(), 1).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn a_script_cannot_run_anything_on_this_machine() {
        for (text, name) in [
            ("\\! rm -rf /", "\\!"),
            ("\\copy t from 'x'", "\\copy"),
            ("\\i other.sql", "\\i"),
            ("\\o |sh", "\\o"),
            ("\\set PROMPT1 x", "\\set PROMPT1"),
            ("\\gexec", "\\gexec"),
            ("\\", "\\"),
            ("\\connect `id`", "\\connect"),
            ("\\restrict a \\! id", "\\restrict"),
            ("\\set ON_ERROR_STOP off", "\\set"),
            ("\\restrict", "\\restrict"),
            ("\\encoding", "\\encoding"),
        ] {
            let error = parse(text.as_bytes(), 7).unwrap_err();
            assert!(error.message().contains(name), "{text}: {error}");
            assert!(error.message().starts_with("line 7: "), "{text}: {error}");
        }
    }
}
