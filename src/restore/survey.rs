//! A script read once before it is replayed or listed: what belongs to a table (an index, a sequence that a column owns),
//! whether anything matches what was chosen, and what would be done.
//!
//! From a file with an index no rows are read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bytes::Bytes;

use super::owner::Heading;
use super::select::{Choice, Fate, Selection, shown};
use super::subject::{Effect, Name, Subject, attached, effect, made_index, owned_sequence};
use crate::archive::{Archive, Excerpt, Part, Reader, Wanted, open_file};
use crate::script::{Lexer, Piece, Statement};
use crate::{Error, Result};

impl Choice {
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

/// Reads a script to its end as a restore would: all of a file without an index, of another one what it would do but the
/// rows. How many statements it has.
///
/// # Errors
/// No restore could read it.
pub fn read_through(path: &Path) -> Result<u64> {
    let mut statements = 0;
    each_statement(path, |_, _| {
        statements += 1;
        Ok(())
    })?;
    Ok(statements)
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
