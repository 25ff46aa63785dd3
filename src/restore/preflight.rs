//! What would make a restore fail, found before anything is changed and told all at once.
//!
//! Looked at are the session and the script up to its first rows, which is where extensions and most owners stand. What
//! comes later fails on its own, and is rolled back.

use std::collections::BTreeSet;
use std::io::Read;

use bytes::Bytes;

use super::roles::{MissingRoles, Roles, created};
use crate::archive::{Index, Reader};
use crate::connect::Session;
use crate::event::{Event, Observer};
use crate::script::{Lexer, Piece, words};
use crate::{Error, Result};

/// Bytes of text that are looked at.
const LOOKED_AT: usize = 64 << 20;

/// What the beginning of a script needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Extensions that it creates.
    extensions: BTreeSet<String>,
    /// Statements that name roles.
    role_statements: Vec<Bytes>,
    /// Whether it may make roles itself.
    makes_roles: bool,
}

impl Needs {
    /// Reads a script up to its first rows. What is wrong with it is left for the restore to tell.
    pub fn read(input: impl Read) -> Needs {
        let mut needs = Needs::default();
        let Ok(mut reader) = Reader::new(input) else {
            return needs;
        };
        let mut lexer = Lexer::new();
        while let Ok(chunk) = reader.chunk()
            && !chunk.is_empty()
        {
            lexer.push(Bytes::copy_from_slice(chunk));
            while let Ok(Some(piece)) = lexer.cut() {
                match piece {
                    Piece::Statement(statement) if statement.rows_follow => return needs,
                    Piece::Statement(statement) => needs.note(&statement.text),
                    _ => {}
                }
            }
            if reader.text() > LOOKED_AT as u64 {
                break;
            }
        }
        needs
    }

    fn note(&mut self, text: &Bytes) {
        self.makes_roles |= created(text).is_some();
        let mut all = words(text);
        let Some(first) = all.next() else { return };
        self.makes_roles |= first.is("do");
        if first.is("create") && all.next().is_some_and(|word| word.is("extension")) {
            let name = all.find(|word| !["if", "not", "exists"].iter().any(|k| word.is(k)));
            let name = name.and_then(|word| word.name());
            self.extensions
                .extend(name.map(|name| String::from_utf8_lossy(&name).into_owned()));
        } else if first.is("alter") || first.is("grant") {
            // Not a share of the block it was cut from, which would be kept as well.
            self.role_statements.push(Bytes::copy_from_slice(text));
        }
    }
}

/// Checks the session against what a script needs. Nothing is changed.
pub async fn preflight(
    session: &Session,
    needs: &Needs,
    index: Option<&Index>,
    missing_roles: MissingRoles,
    observer: &dyn Observer,
) -> Result<()> {
    let ask = |query: &'static str| async move {
        let rows = session
            .client
            .query(query, &[])
            .await
            .map_err(|e| session.explain(e))?;
        Ok::<_, Error>(rows)
    };
    let rows = ask(
        "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only') = 'on', \
         pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
         pg_catalog.current_database()::text, current_user::text",
    )
    .await?;
    let (standby, read_only, may_create): (bool, bool, bool) =
        (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    let (dbname, user): (String, String) = (rows[0].get(3), rows[0].get(4));
    if standby {
        return Err(
            Error::failed("the server is a standby, which takes no writes").hint("Restore into its primary.")
        );
    }
    if read_only {
        return Err(Error::failed(format!(
            "database {dbname:?} is set to be read only for role {user:?}"
        ))
        .hint("Set default_transaction_read_only to off for the restore."));
    }
    if !may_create {
        return Err(
            Error::failed(format!("role {user:?} may create nothing in database {dbname:?}"))
                .hint("Restore as the owner of the database, or GRANT CREATE on it."),
        );
    }
    if let Some(index) = index
        && index.header.server_version_num / 10_000 > session.version / 10_000
    {
        observer.event(Event::Warning(format!(
            "the backup comes from PostgreSQL {}, this server is the older {}: what is new there may fail here",
            index.header.server, session.version_text
        )));
    }
    let available = ask("SELECT name::text FROM pg_catalog.pg_available_extensions").await?;
    let available: BTreeSet<String> = available.iter().map(|row| row.get(0)).collect();
    let lacking: Vec<_> = needs
        .extensions
        .difference(&available)
        .map(String::as_str)
        .collect();
    if !lacking.is_empty() {
        return Err(Error::failed(format!(
            "the server does not have the extensions {}",
            lacking.join(", ")
        ))
        .hint("Install them on the server's machine, then restore again."));
    }
    let roles = roles(session).await?;
    let missing: BTreeSet<Vec<u8>> = needs
        .role_statements
        .iter()
        .flat_map(|text| roles.missing(text))
        .collect();
    if !missing.is_empty() && missing_roles == MissingRoles::Fail && !needs.makes_roles {
        return Err(no_roles(&missing));
    }
    Ok(())
}

/// The roles that the server has.
pub(super) async fn roles(session: &Session) -> Result<Roles> {
    let rows = session
        .client
        .query("SELECT rolname::text FROM pg_catalog.pg_roles", &[])
        .await;
    let rows = rows.map_err(|e| session.explain(e))?;
    Ok(Roles::new(rows.iter().map(|row| row.get(0))))
}

fn no_roles(names: &BTreeSet<Vec<u8>>) -> Error {
    let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
    Error::failed(format!("the server does not have the roles {}", names.join(", "))).hint(
        "Create them, or say --missing-roles skip (objects then belong to you) or --missing-roles create, or use a \
         backup without owners and privileges.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_needs_is_read_up_to_its_first_rows() {
        let script = "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;\nCREATE EXTENSION hstore;\n\
            ALTER TABLE t OWNER TO app;\nCOPY t FROM stdin;\n\\.\nCREATE EXTENSION later;\n";
        let needs = Needs::read(script.as_bytes());
        assert_eq!(
            needs.extensions.iter().collect::<Vec<_>>(),
            ["hstore", "uuid-ossp"]
        );
        assert_eq!(needs.role_statements.len(), 1);
        assert_eq!(Needs::read(&b"\x1f\x8bbroken"[..]), Needs::default());
    }
}
