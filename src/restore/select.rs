//! A part of a script: its definitions, its rows, some tables with what belongs to them, some schemas.
//!
//! The order of statements stays the file's. Here is decided what becomes of each; what belongs to a table is found by
//! reading the script once before ([`survey`](super::survey)).

use std::collections::HashMap;

use bytes::Bytes;

use super::owner::retargeted;
use super::pattern::{Pattern, TablePattern};
use super::subject::{Effect, Name, Subject, attached, effect};
use crate::archive::{Index, Wanted};
use crate::error::Kind;
use crate::script::Statement;
use crate::{Error, Result, sql};

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

    pub(super) fn has_table(&self, (schema, table): &Name) -> bool {
        (self.tables.is_empty() || self.tables.iter().any(|p| p.matches(schema, table)))
            && (self.schemas.is_empty() || self.has_schema(schema))
            && !self.excludes(&(schema.clone(), table.clone()))
    }

    /// Fails where a pattern names another database than the one that was dumped.
    pub(super) fn check_database(&self, dumped: &str) -> Result<()> {
        let tables = self.tables.iter().chain(&self.exclude_tables);
        tables
            .map(|pattern| pattern.check_database(dumped))
            .chain(self.schemas.iter().map(|pattern| pattern.check_database(dumped)))
            .collect()
    }

    pub(super) fn has_schema(&self, schema: &str) -> bool {
        self.schemas.iter().any(|p| p.matches(schema))
    }

    fn excludes(&self, (schema, table): &Name) -> bool {
        self.exclude_tables.iter().any(|p| p.matches(schema, table))
    }
}

/// A selection with what a script says about which object belongs to which table.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub(super) selection: Selection,
    /// The table of each index and of each sequence that a column owns.
    pub(super) tables: HashMap<Name, Name>,
    /// Whether the rows of each COPY statement are wanted, in the file's order; `None`: the script has not been read.
    pub(super) blocks: Option<Vec<bool>>,
}

/// What becomes of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is replayed.
    Send,
    /// This is replayed in its place.
    Instead(Bytes),
    /// It is left out.
    Leave,
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
            ..Choice::default()
        })
    }

    /// What of an archive has to be read for it.
    pub fn of_archive(&self, index: &Index) -> Wanted {
        let Selection { rows, .. } = self.selection;
        let by_name = self.selection.is_by_name();
        let tables = match self.blocks.as_ref().filter(|_| by_name) {
            Some(blocks) if blocks.len() == index.tables.len() => blocks.clone(),
            // What is read in vain is left out later.
            _ => vec![rows; index.tables.len()],
        };
        Wanted {
            tables,
            large_objects: rows && !by_name,
        }
    }

    /// Whether the script was not read for a choice by name, so that nothing is known of what it matches.
    pub(super) fn is_blind(&self) -> bool {
        self.selection.is_by_name() && self.blocks.is_none()
    }

    /// What was asked for.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What becomes of a statement, which stands under the rows of `owner`.
    pub(super) fn fate(&self, statement: &Statement, owner: Option<&Name>) -> Result<Fate> {
        let text = &statement.text;
        let plain = match self.wants(text) {
            true => Fate::Send,
            false => Fate::Leave,
        };
        let Some(owner) = owner.filter(|_| self.selection.rows && self.selection.is_by_name()) else {
            return Ok(plain);
        };
        let target = match effect(text) {
            Effect::Rows(target) if target != *owner => target,
            _ => return Ok(plain),
        };
        let Selection { definitions, .. } = self.selection;
        match (self.has_relation(owner), self.has_relation(&target)) {
            (true, true) => Ok(Fate::Send),
            // It is there, and what it is a part of.
            (true, false) if !definitions => Ok(Fate::Send),
            // It comes back as a table that is part of nothing.
            (true, false) => retargeted(text, owner).map(Fate::Instead).ok_or_else(|| {
                let why = "the rows cannot be led into the partition that they come from";
                Error::new(Kind::Script, format!("line {}: {why}", statement.line))
            }),
            (false, true) if self.selection.excludes(owner) => Ok(Fate::Leave),
            (false, true) if !definitions => Ok(Fate::Send),
            (false, true) => Err(Error::usage(format!(
                "line {}: the rows of {} are loaded through {}, which is chosen without its partitions",
                statement.line,
                shown(owner),
                shown(&target)
            ))
            .hint("Choose its partitions, too, or leave them out with --exclude-table.")),
            (false, false) => Ok(Fate::Leave),
        }
    }

    /// Whether a statement is replayed, as far as that can be told without the comment before it.
    pub(super) fn wants(&self, text: &[u8]) -> bool {
        let Selection {
            definitions, rows, ..
        } = self.selection;
        if self.selection.is_everything() {
            return true;
        }
        // Of two, one of which is not there.
        if self.selection.is_by_name()
            && let Some((parent, child)) = attached(text)
        {
            return definitions && self.has_relation(&parent) && self.has_relation(&child);
        }
        match effect(text) {
            Effect::Setting => true,
            Effect::Rows(table) => rows && self.has_relation(&table),
            Effect::Value(sequence) => rows && self.has_relation(&sequence),
            Effect::LargeObject => rows && !self.selection.is_by_name(),
            Effect::Definition(subject) => definitions && self.has_subject(&subject),
        }
    }

    pub(super) fn has_relation(&self, name: &Name) -> bool {
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

/// A name for people.
pub(super) fn shown((schema, table): &Name) -> String {
    match schema.is_empty() {
        true => sql::ident(table),
        false => sql::qualified(schema, table),
    }
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
            ..Choice::default()
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
