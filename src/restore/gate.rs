//! What of a script goes to the server: transactions of its own are left out, what cannot be replayed is refused, roles
//! that do not exist are created or the statement is left out, as told.

use std::sync::Arc;

use super::Options;
use super::failure::abbreviate;
use super::roles::{MissingRoles, Roles};
use super::verdict::{Verdict, verdict};
use crate::error::Kind;
use crate::event::{Event, Observer};
use crate::script::{Command, Meta, Statement};
use crate::{Error, Result};

/// What becomes of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is sent, after these roles have been created.
    Send {
        /// Their names in the script's encoding, unquoted.
        create: Vec<Vec<u8>>,
    },
    /// It is sent, and rows follow it.
    Copy,
    /// It is sent, but in no transaction: it makes or drops a database or a tablespace.
    Outside,
    /// It is left out.
    Leave,
}

/// Why a script with tablespaces is refused.
pub(super) const TABLESPACE: &str =
    "the script makes or drops tablespaces, which the server does in no transaction";
/// What to do about it.
pub(super) const TABLESPACE_HINT: &str = "Restore it with --create: what comes before a tablespace then stays, whatever becomes of the rest. The \
    tablespace's directory must be there, empty, and belong to the server's user.";

/// Judges one statement after the other.
pub(super) struct Gate {
    observer: Arc<dyn Observer>,
    /// Between a BEGIN and a COMMIT of the script itself.
    own_transaction: bool,
    /// `server_version_num`.
    version: u32,
    roles: Roles,
    missing_roles: MissingRoles,
    /// Whether databases that the script makes and goes on in are followed.
    create: bool,
}

impl Gate {
    pub(super) fn new(version: u32, roles: Roles, options: &Options, observer: &Arc<dyn Observer>) -> Gate {
        Gate {
            observer: Arc::clone(observer),
            own_transaction: false,
            version,
            roles,
            missing_roles: options.missing_roles,
            create: options.create,
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Result<Passage> {
        let Statement { text, line, .. } = statement;
        let line = *line;
        if let Some(at) = memchr::memchr(0, text) {
            let line = line + memchr::memchr_iter(b'\n', &text[..at]).count() as u64;
            return Err(refused(
                line,
                &abbreviate(text),
                "there is a zero byte in the statement",
            ));
        }
        match verdict(statement, self.version) {
            Verdict::Send if self.create && self.roles.has_created(text) => {
                // pg_dumpall makes every role, also the one that restores.
                self.observer.event(Event::Info(format!(
                    "line {line}: left out, for the role exists: {}",
                    abbreviate(text)
                )));
                Ok(Passage::Leave)
            }
            Verdict::Send if self.create && self.roles.drops_lasting(text) => {
                // pg_dumpall --clean drops every role, also the one that restores.
                self.observer.event(Event::Info(format!(
                    "line {line}: left out, for the server does not drop this role: {}",
                    abbreviate(text)
                )));
                Ok(Passage::Leave)
            }
            Verdict::Send => Ok(self.roles_of(text, line)),
            Verdict::Copy => Ok(Passage::Copy),
            Verdict::Unknown => {
                let statement = abbreviate(text);
                self.observer.event(Event::Info(format!(
                    "line {line}: left out {statement} which this server does not know"
                )));
                Ok(Passage::Leave)
            }
            Verdict::Begin => {
                self.own_transaction = true;
                Ok(Passage::Leave)
            }
            Verdict::Commit if self.own_transaction => {
                self.own_transaction = false;
                Ok(Passage::Leave)
            }
            Verdict::Commit => Err(refused(
                line,
                &abbreviate(text),
                "the script commits, but a restore is all or nothing",
            )
            .hint("Remove the statement, or replay the script with psql.")),
            Verdict::OtherDatabase | Verdict::Tablespace if self.create => Ok(Passage::Outside),
            Verdict::Tablespace => {
                Err(refused(line, &abbreviate(text), TABLESPACE).hint(TABLESPACE_HINT))
            }
            Verdict::OtherDatabase => Err(refused(
                line,
                &abbreviate(text),
                "the script creates or drops databases itself, as pg_dump --create and pg_dumpall write it",
            )
            .hint(
                "Restore it with --create, which follows it; or dump without --create, create the database, and restore \
                 into it with --dbname.",
            )),
            Verdict::Refuse { why, hint } => Err(refused(line, &abbreviate(text), why).hint(hint)),
        }
    }

    /// A meta-command: the harmless ones need nothing to be done.
    pub(super) fn meta(&self, meta: &Meta) -> Result<()> {
        match &meta.command {
            Command::Connect { .. } if self.create => Ok(()),
            Command::Connect { dbname } => Err(refused(
                meta.line,
                &String::from_utf8_lossy(&meta.text),
                &match dbname {
                    Some(name) => format!("the script goes on in another database, {name:?}"),
                    None => "the script makes another connection".into(),
                },
            )
            .hint(
                "Restore it with --create, which follows it; or dump without --create, and each database by itself, then \
                 restore with --dbname.",
            )),
            Command::Restrict(_) | Command::Unrestrict(_) | Command::StopOnError | Command::Encoding(_) => Ok(()),
        }
    }

    /// Whether a statement can be sent for all that the roles it names are concerned.
    fn roles_of(&mut self, text: &[u8], line: u64) -> Passage {
        self.roles.note(text);
        let missing = self.roles.missing(text);
        let none = Passage::Send { create: Vec::new() };
        if missing.is_empty() {
            return none;
        }
        match self.missing_roles {
            // The server says so better, and knows of roles that a DO block of the script has made.
            MissingRoles::Fail => none,
            MissingRoles::Skip => {
                let statement = abbreviate(text);
                self.observer.event(Event::Warning(format!(
                    "line {line}: left out, for the role does not exist: {statement}"
                )));
                Passage::Leave
            }
            MissingRoles::Create => {
                for role in &missing {
                    let name = String::from_utf8_lossy(role).into_owned();
                    self.observer.event(Event::Warning(format!(
                        "role {name:?} did not exist and is created"
                    )));
                    self.roles.add(role.clone());
                }
                Passage::Send { create: missing }
            }
        }
    }
}

/// A role's name quoted: its own bytes, for the script may be in any encoding.
pub(super) fn quoted(role: &[u8]) -> Vec<u8> {
    let doubled = role
        .iter()
        .flat_map(|&b| std::iter::repeat_n(b, if b == b'"' { 2 } else { 1 }));
    std::iter::once(b'"').chain(doubled).chain([b'"']).collect()
}

fn refused(line: u64, statement: &str, why: &str) -> Error {
    Error::new(
        Kind::Script,
        format!("line {line}: {why}; nothing was kept: {statement}"),
    )
}
