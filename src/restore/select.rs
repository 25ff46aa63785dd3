//! A part of a script: its definitions, its rows, some tables with what belongs to them, some schemas.
//!
//! The order of statements stays the file's. What belongs to a table is found by reading the script once before: an
//! index, a sequence that a column owns. From a file with an index the rows of other tables are never read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bytes::Bytes;

use super::owner::{Heading, retargeted};
use super::pattern::{Pattern, TablePattern};
use super::subject::{Effect, Name, Subject, attached, effect, made_index, owned_sequence};
use crate::archive::{Archive, Excerpt, Index, Part, Reader, Wanted, open_file};
use crate::error::Kind;
use crate::script::{Lexer, Piece, Statement};
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

    fn has_table(&self, (schema, table): &Name) -> bool {
        (self.tables.is_empty() || self.tables.iter().any(|p| p.matches(schema, table)))
            && (self.schemas.is_empty() || self.has_schema(schema))
            && !self.excludes(&(schema.clone(), table.clone()))
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

    fn excludes(&self, (schema, table): &Name) -> bool {
        self.exclude_tables.iter().any(|p| p.matches(schema, table))
    }
}

/// A selection with what a script says about which object belongs to which table.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    selection: Selection,
    /// The table of each index and of each sequence that a column owns.
    tables: HashMap<Name, Name>,
    /// Whether the rows of each COPY statement are wanted, in the file's order; `None`: the script has not been read.
    blocks: Option<Vec<bool>>,
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

    /// The selection for the script in a file, which is read for it where that is needed. One that selects nothing is
    /// an error.
    pub fn of_file(path: &Path, selection: &Selection) -> Result<Choice> {
        let mut choice = Choice {
            selection: selection.clone(),
            ..Choice::default()
        };
        if !selection.is_by_name() {
            return Ok(choice);
        }
        if let Some(archive) = Archive::open(path)? {
            selection.check_database(&archive.index().header.database)?;
        }
        let mut relations = HashSet::new();
        let mut parents = HashMap::new();
        let mut unowned = Vec::new();
        let mut blocks = Vec::new();
        let mut found = false;
        each_statement(path, |statement, owner| {
            let text = &statement.text;
            if let Some((index, table)) = made_index(text).or_else(|| owned_sequence(text)) {
                choice.tables.insert(index, table);
            }
            parents.extend(attached(text).map(|(parent, child)| (child, parent)));
            match effect(text) {
                Effect::Rows(name) => {
                    let wanted = choice.fate(statement, owner)? != Fate::Leave;
                    found |= wanted;
                    if statement.rows_follow {
                        blocks.push(wanted);
                    }
                    if !wanted && owner.is_none() {
                        unowned.push((statement.line, name.clone()));
                    }
                    relations.insert(name);
                }
                Effect::Value(name) => found |= selection.rows && choice.has_relation(&name),
                Effect::Definition(Subject::Relation(name)) => {
                    relations.insert(name);
                }
                Effect::Definition(Subject::Schema(schema)) => {
                    relations.insert((schema, String::new()));
                }
                _ => {}
            }
            Ok(())
        })?;
        choice.blocks = Some(blocks);
        let named = relations.iter().any(|name| match name.1.is_empty() {
            true => selection.tables.is_empty() && selection.has_schema(&name.0),
            false => selection.has_table(name),
        });
        if selection.rows {
            choice.check_unowned(&unowned, &relations, &parents)?;
        }
        match (found, named) {
            (true, _) => Ok(choice),
            (false, true) if selection.definitions => Ok(choice),
            (false, true) => Err(
                Error::usage(format!("{} has no rows of what matches", path.display())).hint(
                    "The rows of a partitioned table are its partitions', and a view has none: name the tables that have \
                     them; `pgstow list FILE` shows them.",
                ),
            ),
            (false, false) => Err(Error::usage(format!(
                "{} has no table that matches, nor a view or sequence",
                path.display()
            ))
            .hint("`pgstow list FILE` shows its tables, `pgstow restore --list FILE` all that is in it.")),
        }
    }

    /// Fails where rows may be those of a chosen partition, but nothing says so.
    fn check_unowned(
        &self,
        unowned: &[(u64, Name)],
        relations: &HashSet<Name>,
        parents: &HashMap<Name, Name>,
    ) -> Result<()> {
        let above = |table| {
            std::iter::successors(parents.get(table), |table| parents.get(*table)).take(parents.len())
        };
        for (line, root) in unowned {
            let mut chosen = relations.iter().filter(|table| self.has_relation(table));
            if let Some(part) = chosen.find(|table| above(table).any(|parent| parent == root)) {
                return Err(Error::usage(format!(
                    "line {line}: rows of partitions are loaded through {}, and nothing tells which of them are {}'s",
                    shown(root),
                    shown(part)
                ))
                .hint("Choose the whole table with all its partitions."));
            }
        }
        Ok(())
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

fn shown((schema, table): &Name) -> String {
    match schema.is_empty() {
        true => sql::ident(table),
        false => sql::qualified(schema, table),
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
    each_statement(path, |statement, owner| {
        let counted = match statement.rows_follow {
            true => tables.next().map(|t| (t.rows.counted.rows, t.rows.counted.bytes)),
            false => None,
        };
        let text = match choice.fate(statement, owner)? {
            Fate::Leave => return Ok(()),
            Fate::Send if effect(&statement.text) == Effect::Setting => return Ok(()),
            Fate::Send => statement.text.clone(),
            Fate::Instead(text) => text,
        };
        take(Step {
            line: statement.line,
            text: super::failure::abbreviate(&text),
            rows: counted,
        })
    })
}

/// Gives each statement of a file to `take`, with the table whose rows it stands under. From a file with an index no
/// rows are read.
pub(super) fn each_statement(
    path: &Path,
    mut take: impl FnMut(&Statement, Option<&Name>) -> Result<()>,
) -> Result<()> {
    let mut lexer = Lexer::new();
    let mut heading = Heading::default();
    let mut cut = |lexer: &mut Lexer| -> Result<()> {
        while let Some(piece) = lexer.cut()? {
            match &piece {
                Piece::Gap(text) => heading.gap(text),
                Piece::Statement(statement) => take(statement, heading.owner())?,
                _ => {}
            }
        }
        Ok(())
    };
    if let Some(archive) = Archive::open(path)? {
        let wanted = Wanted {
            large_objects: false,
            ..Wanted::no_rows(archive.index())
        };
        let mut excerpt = Excerpt::new(archive, wanted, 1);
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
