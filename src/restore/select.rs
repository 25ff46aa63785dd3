//! A part of a script: its definitions, its rows, some tables with what belongs to them, some schemas.
//!
//! The order of statements stays the file's. What belongs to a table is found by reading the script once before: an
//! index, a sequence that a column owns. From a file with an index the rows of other tables are never read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bytes::Bytes;

use super::pattern::{Pattern, TablePattern};
use super::subject::{Effect, Name, Subject, effect, made_index, owned_sequence};
use crate::archive::{Archive, Excerpt, Index, Part, Reader, Wanted, open_file};
use crate::script::{Lexer, Piece};
use crate::{Error, Result};

/// Which part of a script is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Definitions.
    pub definitions: bool,
    /// Rows, sequence values and contents of large objects.
    pub rows: bool,
    /// These tables, views and sequences only, with what belongs to them; empty: all.
    pub tables: Vec<TablePattern>,
    /// What is in these schemas only, and the schemas; empty: all.
    pub schemas: Vec<Pattern>,
    /// Not these tables.
    pub exclude_tables: Vec<TablePattern>,
}

impl Default for Selection {
    /// Everything.
    fn default() -> Self {
        Selection {
            definitions: true,
            rows: true,
            tables: Vec::new(),
            schemas: Vec::new(),
            exclude_tables: Vec::new(),
        }
    }
}

impl Selection {
    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        *self == Selection::default()
    }

    /// Whether objects are chosen by name.
    pub fn is_by_name(&self) -> bool {
        !(self.tables.is_empty() && self.schemas.is_empty() && self.exclude_tables.is_empty())
    }

    fn has_table(&self, (schema, table): &Name) -> bool {
        let named = |patterns: &[TablePattern]| patterns.iter().any(|p| p.matches(schema, table));
        (self.tables.is_empty() || named(&self.tables))
            && (self.schemas.is_empty() || self.has_schema(schema))
            && !named(&self.exclude_tables)
    }

    /// Fails where a pattern names another database than the one that was dumped.
    fn check_database(&self, dumped: &str) -> Result<()> {
        let tables = self.tables.iter().chain(&self.exclude_tables);
        tables
            .map(|pattern| pattern.check_database(dumped))
            .chain(self.schemas.iter().map(|pattern| pattern.check_database(dumped)))
            .collect()
    }

    fn has_schema(&self, schema: &str) -> bool {
        self.schemas.iter().any(|p| p.matches(schema))
    }

    /// What of an archive has to be read for it.
    pub fn of_archive(&self, index: &Index) -> Wanted {
        let tables = index.tables.iter();
        let has = |schema: &str, name: &str| self.rows && self.has_table(&(schema.into(), name.into()));
        Wanted {
            // Rows that are loaded by a table's root are in the file under the part's name.
            tables: tables
                .map(|t| self.rows && (!self.is_by_name() || has(&t.schema, &t.name)))
                .collect(),
            large_objects: self.rows && !self.is_by_name(),
        }
    }
}

/// A selection with what a script says about which object belongs to which table.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    selection: Selection,
    /// The table of each index and of each sequence that a column owns.
    tables: HashMap<Name, Name>,
}

impl Choice {
    /// The selection for a script that is not known: what belongs to a table cannot be told.
    pub fn unread(selection: &Selection) -> Result<Choice> {
        if selection.is_by_name() && selection.definitions {
            return Err(Error::usage(
                "a part with its definitions needs the script twice, so it cannot come from standard input",
            )
            .hint("Put it into a file, or add --data-only."));
        }
        Ok(Choice {
            selection: selection.clone(),
            tables: HashMap::new(),
        })
    }

    /// The selection for the script in a file, which is read for it where that is needed. One that selects nothing is
    /// an error.
    pub fn of_file(path: &Path, selection: &Selection) -> Result<Choice> {
        let mut choice = Choice {
            selection: selection.clone(),
            tables: HashMap::new(),
        };
        if !selection.is_by_name() {
            return Ok(choice);
        }
        if let Some(archive) = Archive::open(path)? {
            selection.check_database(&archive.index().header.database)?;
        }
        let mut relations = HashSet::new();
        each_statement(path, |statement| {
            let text = &statement.text;
            if let Some((index, table)) = made_index(text).or_else(|| owned_sequence(text)) {
                choice.tables.insert(index, table);
            }
            match effect(text) {
                Effect::Rows(name) | Effect::Definition(Subject::Relation(name)) => {
                    relations.insert(name);
                }
                Effect::Definition(Subject::Schema(schema)) => {
                    relations.insert((schema, String::new()));
                }
                _ => {}
            }
            Ok(())
        })?;
        let found = relations.iter().any(|name| match name.1.is_empty() {
            true => selection.tables.is_empty() && selection.has_schema(&name.0),
            false => selection.has_table(name),
        });
        if !found {
            return Err(Error::usage(format!(
                "{} has no table that matches, nor a view or sequence",
                path.display()
            ))
            .hint("`pgstow list FILE` shows its tables, `pgstow restore --list FILE` all that is in it."));
        }
        Ok(choice)
    }

    /// What was asked for.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether a statement is replayed.
    pub(super) fn wants(&self, text: &[u8]) -> bool {
        let Selection {
            definitions, rows, ..
        } = self.selection;
        if self.selection.is_everything() {
            return true;
        }
        match effect(text) {
            Effect::Setting => true,
            Effect::Rows(table) => rows && self.has_relation(&table),
            Effect::Value(sequence) => rows && self.has_relation(&sequence),
            Effect::LargeObject => rows && !self.selection.is_by_name(),
            Effect::Definition(subject) => definitions && self.has_subject(&subject),
        }
    }

    fn has_relation(&self, name: &Name) -> bool {
        if !self.selection.is_by_name() {
            return true;
        }
        match self.tables.get(name) {
            // A sequence can be asked for by its own name, too.
            Some(table) => {
                let own = !self.selection.tables.is_empty() && self.selection.has_table(name);
                self.selection.has_table(table) || own
            }
            None => self.selection.has_table(name),
        }
    }

    fn has_subject(&self, subject: &Subject) -> bool {
        let Selection { tables, schemas, .. } = &self.selection;
        match subject {
            Subject::Relation(name) => self.has_relation(name),
            Subject::Schema(schema) => {
                tables.is_empty() && (schemas.is_empty() || self.selection.has_schema(schema))
            }
            Subject::Other(schema) => {
                let within = schema
                    .as_ref()
                    .is_some_and(|schema| self.selection.has_schema(schema));
                tables.is_empty() && (schemas.is_empty() || within)
            }
        }
    }
}

/// Something that a restore would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The statement's line in the script.
    pub line: u64,
    /// How the statement begins.
    pub text: String,
    /// Rows and bytes that it loads, if it loads any and the file has an index.
    pub rows: Option<(u64, u64)>,
}

/// What a restore would do, in order: each statement but the settings. Rows are read only where there is no index.
pub fn steps(path: &Path, choice: &Choice, mut take: impl FnMut(Step) -> Result<()>) -> Result<()> {
    let index = Archive::open(path)?.map(|archive| archive.index().clone());
    let mut tables = index.iter().flat_map(|index| &index.tables);
    each_statement(path, |statement| {
        let counted = match statement.rows_follow {
            true => tables.next().map(|t| (t.rows.counted.rows, t.rows.counted.bytes)),
            false => None,
        };
        if !choice.wants(&statement.text) || effect(&statement.text) == Effect::Setting {
            return Ok(());
        }
        take(Step {
            line: statement.line,
            text: super::failure::abbreviate(&statement.text),
            rows: counted,
        })
    })
}

/// Gives each statement of a file to `take`. From a file with an index no rows are read.
pub(super) fn each_statement(
    path: &Path,
    mut take: impl FnMut(&crate::script::Statement) -> Result<()>,
) -> Result<()> {
    let mut lexer = Lexer::new();
    let mut cut = |lexer: &mut Lexer| -> Result<()> {
        while let Some(piece) = lexer.cut()? {
            if let Piece::Statement(statement) = &piece {
                take(statement)?;
            }
        }
        Ok(())
    };
    if let Some(archive) = Archive::open(path)? {
        let wanted = Wanted {
            large_objects: false,
            ..Wanted::no_rows(archive.index())
        };
        let mut excerpt = Excerpt::new(archive, wanted, 1)?;
        while let Some(part) = excerpt.part()? {
            match part {
                Part::Sql(text) => {
                    lexer.push(text);
                    cut(&mut lexer)?;
                }
                Part::Lines(lines) => lexer.pass(lines),
                Part::Rows { .. } => {}
            }
        }
    } else {
        let mut reader = Reader::new(open_file(path)?)?;
        loop {
            let chunk = reader.chunk()?;
            if chunk.is_empty() {
                break;
            }
            lexer.push(Bytes::copy_from_slice(chunk));
            cut(&mut lexer)?;
        }
    }
    lexer.finish();
    cut(&mut lexer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_is_wanted_or_not() {
        let definitions = Choice {
            selection: Selection {
                rows: false,
                ..Selection::default()
            },
            ..Choice::default()
        };
        let data = Choice {
            selection: Selection {
                definitions: false,
                ..Selection::default()
            },
            ..Choice::default()
        };
        let table = Choice {
            selection: Selection {
                tables: vec!["public.t".parse().unwrap()],
                ..Selection::default()
            },
            tables: [(
                ("public".into(), "t_id_seq".into()),
                ("public".into(), "t".into()),
            )]
            .into(),
        };
        let schema = Choice {
            selection: Selection {
                schemas: vec!["public".parse().unwrap()],
                exclude_tables: vec!["u".parse().unwrap()],
                ..Selection::default()
            },
            ..Choice::default()
        };
        for (text, want) in [
            ("SET row_security = off;", [true, true, true, true]),
            ("CREATE TABLE public.t (a int);", [true, false, true, true]),
            ("CREATE TABLE public.u (a int);", [true, false, false, false]),
            ("CREATE TABLE s.t (a int);", [true, false, false, false]),
            (
                "CREATE FUNCTION public.f() RETURNS int",
                [true, false, false, true],
            ),
            ("CREATE FUNCTION s.f() RETURNS int", [true, false, false, false]),
            ("CREATE EXTENSION hstore;", [true, false, false, false]),
            ("CREATE SCHEMA public;", [true, false, false, true]),
            (
                "CREATE INDEX i ON public.t USING btree (a);",
                [true, false, true, true],
            ),
            ("CREATE SEQUENCE public.t_id_seq", [true, false, true, true]),
            ("COPY public.t (a) FROM stdin;", [false, true, true, true]),
            ("COPY public.u (a) FROM stdin;", [false, true, false, false]),
            ("INSERT INTO public.t (a) VALUES (1);", [false, true, true, true]),
            (
                "SELECT pg_catalog.setval('public.t_id_seq', 1, true);",
                [false, true, true, true],
            ),
            (
                "SELECT pg_catalog.lo_put(1, 0, 'x');",
                [false, true, false, false],
            ),
            ("SELECT pg_catalog.lo_create('1');", [true, false, false, false]),
            ("REFRESH MATERIALIZED VIEW public.mv;", [false, true, false, true]),
            (
                "ALTER TABLE public.t DISABLE TRIGGER ALL;",
                [false, true, true, true],
            ),
        ] {
            let got = [&definitions, &data, &table, &schema].map(|choice| choice.wants(text.as_bytes()));
            assert_eq!(got, want, "{text}");
        }
    }
}
