//! What a script needs of a server, read from its definitions.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;

use super::roles::created;
use super::select::Choice;
use super::subject::{Effect, Name, Subject, dropped_constraint, effect, made_index};
use crate::Result;
use crate::archive::{Archive, Index, Reader, open_file};
use crate::script::{Lexer, Piece, Statement, setting, words};

/// Bytes of text that are looked at in a file without an index.
const LOOKED_AT: u64 = 64 << 20;

/// What a script needs. From a file with an index: the whole script; from another one: the script up to its first rows,
/// which is where extensions and most owners stand.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Extensions that it creates.
    pub(super) extensions: BTreeSet<String>,
    /// Statements that name roles.
    pub(super) role_statements: Vec<Bytes>,
    /// Whether it makes or drops tablespaces.
    pub(super) tablespaces: bool,
    /// Whether it may make roles itself.
    pub(super) makes_roles: bool,
    /// The encoding it says it is in.
    pub(super) encoding: Option<String>,
    /// Relations it makes: each is locked until the end of the transaction.
    pub(super) relations: u64,
    /// Tables among them, which may have two more each for long values.
    pub(super) tables: u64,
    /// Other objects it makes.
    pub(super) others: u64,
    /// Relations that it drops, where they are there.
    pub(super) dropped: BTreeSet<Name>,
    /// Bytes of rows, where an index tells.
    pub(super) bytes: u64,
    /// `server_version_num` and name of the server it comes from, where an index tells.
    pub(super) from_server: Option<(u32, String)>,
}

impl Needs {
    /// Reads what the chosen part of a file's script needs. What is wrong with the statements of a script that has no
    /// index is left for the restore to tell.
    ///
    /// # Errors
    /// The file, as far as it is looked at, cannot be read.
    pub fn of_file(path: &Path, choice: &Choice) -> Result<Needs> {
        let mut needs = Needs::default();
        let Some(archive) = Archive::open(path)? else {
            needs.read_head(path, choice)?;
            return Ok(needs);
        };
        needs.note_index(archive.index(), choice);
        drop(archive);
        super::survey::each_statement(path, |statement, _| {
            if choice.wants(&statement.text) {
                needs.note(statement);
            }
            Ok(())
        })?;
        Ok(needs)
    }

    fn note_index(&mut self, index: &Index, choice: &Choice) {
        let wanted = choice.of_archive(index);
        let tables = index.tables.iter().zip(wanted.tables);
        self.bytes = tables
            .filter(|(_, wanted)| *wanted)
            .map(|(table, _)| table.rows.counted.bytes)
            .sum();
        let header = &index.header;
        self.from_server = Some((header.server_version_num, header.server.clone()));
    }

    fn read_head(&mut self, path: &Path, choice: &Choice) -> Result<()> {
        let mut reader = Reader::new(open_file(path)?)?;
        let mut lexer = Lexer::new();
        loop {
            let chunk = reader.chunk()?;
            if chunk.is_empty() {
                return Ok(());
            }
            lexer.push(Bytes::copy_from_slice(chunk));
            while let Ok(Some(piece)) = lexer.cut() {
                match piece {
                    Piece::Statement(statement) if statement.rows_follow => return Ok(()),
                    Piece::Statement(statement) if choice.wants(&statement.text) => self.note(&statement),
                    _ => {}
                }
            }
            if reader.text() > LOOKED_AT {
                return Ok(());
            }
        }
    }

    fn note(&mut self, statement: &Statement) {
        let text = &statement.text;
        self.makes_roles |= created(text).is_some();
        let mut all = words(text);
        let Some(first) = all.next() else { return };
        self.tablespaces |=
            (first.is("create") || first.is("drop")) && all.next().is_some_and(|word| word.is("tablespace"));
        self.makes_roles |= first.is("do");
        if let Some((name, value)) = setting(text)
            && name == "client_encoding"
        {
            self.encoding = Some(value);
        }
        if first.is("create") {
            self.note_created(text);
        } else if first.is("drop")
            && let Effect::Definition(Subject::Relation(name)) = effect(text)
        {
            self.dropped.insert(name);
        } else if let Some(index) = dropped_constraint(text) {
            self.dropped.insert(index);
        } else if first.is("alter") || first.is("grant") {
            if made_index(text).is_some() && !text.windows(11).any(|w| w.eq_ignore_ascii_case(b"FOREIGN KEY"))
            {
                self.relations += 1;
            }
            // Not a share of the block it was cut from, which would be kept as well.
            self.role_statements.push(Bytes::copy_from_slice(text));
        }
    }

    fn note_created(&mut self, text: &[u8]) {
        let mut all = words(text).skip(1);
        let kind = all.find(|word| !["or", "replace", "unlogged", "unique"].iter().any(|k| word.is(k)));
        let Some(kind) = kind else { return };
        if kind.is("extension") {
            let name = all.find(|word| !["if", "not", "exists"].iter().any(|k| word.is(k)));
            let name = name.and_then(|word| word.name());
            self.extensions
                .extend(name.map(|name| String::from_utf8_lossy(&name).into_owned()));
        }
        let of_a_table = ["trigger", "rule", "policy", "constraint", "statistics"]
            .iter()
            .any(|k| kind.is(k));
        match effect(text) {
            Effect::Definition(Subject::Relation(_)) if !of_a_table => {
                self.relations += 1;
                self.tables += u64::from(kind.is("table"));
            }
            Effect::Definition(_) => self.others += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(script: &[u8]) -> Needs {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        Needs::of_file(file.path(), &Choice::default()).unwrap()
    }

    #[test]
    fn what_a_script_needs_is_read_up_to_its_first_rows() {
        let needs = of(b"SET client_encoding = 'LATIN1';\n\
            CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;\nCREATE EXTENSION hstore;\n\
            CREATE TABLE t (a int);\nCREATE UNLOGGED TABLE u (a int);\nCREATE SEQUENCE s;\nCREATE TYPE e AS ENUM ();\n\
            ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (a);\nALTER TABLE t OWNER TO app;\nCOPY t FROM stdin;\n\\.\n\
            CREATE EXTENSION later;\n");
        assert_eq!(
            needs.extensions.iter().collect::<Vec<_>>(),
            ["hstore", "uuid-ossp"]
        );
        assert_eq!(needs.role_statements.len(), 2);
        assert_eq!((needs.relations, needs.tables, needs.others), (4, 2, 3));
        assert_eq!(needs.encoding.as_deref(), Some("latin1"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_at_once() {
        let of = |script: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), script).unwrap();
            Needs::of_file(file.path(), &Choice::default())
        };
        for script in [&b"\x1f\x8bbroken"[..], b"", b"\x89PNG\r\n\x1a\n\0\0"] {
            assert_eq!(of(script).unwrap_err().kind(), crate::error::Kind::Damaged);
        }
        // It may be none for the server.
        assert_eq!(of(b"SELECT 'open").unwrap(), Needs::default());
    }

    #[test]
    fn what_a_script_drops_first_is_known_with_the_indexes_of_its_keys() {
        let needs = of(
            b"ALTER TABLE IF EXISTS ONLY s.t DROP CONSTRAINT IF EXISTS t_pkey;\n\
            ALTER TABLE IF EXISTS ONLY s.t ALTER COLUMN a DROP DEFAULT;\nDROP TABLE IF EXISTS s.t;\n\
            DROP SEQUENCE IF EXISTS s.q;\nDROP FUNCTION IF EXISTS s.f();\nCREATE TABLE s.t (a int);\n",
        );
        let names: Vec<_> = needs.dropped.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["q", "t", "t_pkey"]);
        assert_eq!((needs.relations, needs.others), (1, 0));
    }
}
