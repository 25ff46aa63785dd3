//! Large tables whose rows can be loaded while other tables are still being made: pure.
//!
//! Making ten thousand tables keeps one process of the server busy for long, and the largest table decides how long a
//! restore takes.

use std::collections::HashMap;

use super::order::{Name, gives_default};
use crate::archive::{Index, Table};
use crate::restore::freeze::before_options;
use crate::restore::verdict::{copy_target, created_table};
use crate::script::{Statement, words};

/// Bytes of COPY text from which on a table is large.
const LARGE: u64 = 8 << 20;

/// A table's rows to be loaded early. Defaults of its columns, which scripts give when all tables are made, wait for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Early {
    /// How many statements of the script come before.
    pub(super) after: usize,
    /// The COPY statement.
    pub(super) copy: Statement,
    /// The table's number in the index.
    pub(super) table: usize,
}

/// A large table.
#[derive(Debug, Default)]
struct Candidate {
    /// Its number in the index.
    table: usize,
    /// Statements up to the last one that names it.
    after: usize,
    /// It is made by the script, and stands for itself: what is done to others locks it only where it is named.
    made: bool,
    /// It is part of others.
    part: bool,
    copy: Option<Statement>,
}

/// The rows that can be loaded early: of the largest tables, at most so many. `statements` are the script's first, with
/// all that have rows.
pub(super) fn early<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
    index: &Index,
    most: usize,
) -> Vec<Early> {
    let mut candidates = largest(index, most);
    let mut copies = 0;
    for (number, statement) in statements.into_iter().enumerate() {
        if statement.rows_follow {
            note_copy(&mut candidates, statement, copies, index);
            copies += 1;
        } else if copies == 0 && gives_default(&statement.text).is_none() {
            note(&mut candidates, statement, number + 1);
        }
    }
    let loadable = candidates.into_values().filter(|c| c.made && !c.part);
    let mut all: Vec<_> = loadable
        .filter_map(|candidate| {
            Some(Early {
                after: candidate.after,
                copy: candidate.copy?,
                table: candidate.table,
            })
        })
        .collect();
    all.sort_by_key(|early| (early.after, early.table));
    all
}

/// The largest tables by their names without the schema. Of two with the same name neither is one: a statement may mean
/// either.
fn largest(index: &Index, most: usize) -> HashMap<Vec<u8>, Candidate> {
    let mut times: HashMap<&str, u32> = HashMap::new();
    for table in &index.tables {
        *times.entry(&table.name).or_default() += 1;
    }
    let mut large: Vec<_> = (index.tables.iter().enumerate())
        .filter(|(_, of)| of.rows.counted.bytes >= LARGE && of.filter.is_none() && times[&*of.name] == 1)
        .collect();
    large.sort_by_key(|(_, of)| std::cmp::Reverse(of.rows.stored()));
    large.truncate(most);
    let candidate = |(table, of): (usize, &Table)| {
        let candidate = Candidate {
            table,
            ..Candidate::default()
        };
        (of.name.clone().into_bytes(), candidate)
    };
    large.into_iter().map(candidate).collect()
}

/// A statement without rows, up to which there are so many.
fn note(candidates: &mut HashMap<Vec<u8>, Candidate>, statement: &Statement, number: usize) {
    let created = created_table(&statement.text);
    let mut named = Vec::new();
    let mut parts = false;
    let defines = created.is_some() || words(&statement.text).next().is_some_and(|word| word.is("alter"));
    for word in words(&statement.text) {
        parts |= defines
            && ["attach", "inherit", "inherits", "partition", "of"]
                .iter()
                .any(|keyword| word.is(keyword));
        named.extend(word.name().filter(|name| candidates.contains_key(name)));
    }
    for name in named {
        let Some(candidate) = candidates.get_mut(&name) else {
            continue;
        };
        candidate.after = number;
        candidate.part |= parts;
        candidate.made |= created.as_ref().is_some_and(|(_, created)| *created == name);
    }
}

/// A COPY statement, before which there are so many.
fn note_copy(
    candidates: &mut HashMap<Vec<u8>, Candidate>,
    statement: &Statement,
    number: usize,
    index: &Index,
) {
    let (schema, table) = copy_target(&statement.text);
    let (Some(schema), Some(of)) = (schema, index.tables.get(number)) else {
        return;
    };
    let target: Name = (schema, table);
    if (of.schema.as_bytes(), of.name.as_bytes()) != (&target.0[..], &target.1[..]) {
        return;
    }
    if let Some(candidate) = candidates.get_mut(&target.1)
        && candidate.table == number
        && before_options(&statement.text).is_some()
    {
        candidate.copy = Some(statement.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Counted, Header};

    fn statements(texts: &[&'static str]) -> Vec<Statement> {
        let statement = |text: &&'static str| Statement {
            text: text.as_bytes().into(),
            line: 1,
            rows_follow: text.starts_with("COPY"),
        };
        texts.iter().map(statement).collect()
    }

    fn index(tables: &[(&str, u64)]) -> Index {
        let table = |&(name, bytes): &(&str, u64)| {
            let mut table = Table {
                schema: "s".into(),
                name: name.into(),
                ..Table::default()
            };
            table.rows.counted.bytes = bytes;
            table.rows.segments = vec![bytes];
            table
        };
        Index {
            header: Header::default(),
            tables: tables.iter().map(table).collect(),
            large_objects: None,
            sql: Counted::default(),
            text: 0,
        }
    }

    fn found(texts: &[&'static str], index: &Index, most: usize) -> Vec<(usize, usize)> {
        let statements = statements(texts);
        let all = early(&statements, index, most);
        all.iter().map(|early| (early.table, early.after)).collect()
    }

    #[test]
    fn the_largest_tables_are_loaded_after_the_last_word_of_them() {
        let index = index(&[("small", LARGE - 1), ("large", LARGE), ("larger", LARGE + 1)]);
        let texts = [
            "CREATE TABLE s.larger (a int);",
            "CREATE TABLE s.large (a int);",
            "ALTER SEQUENCE s.q OWNED BY s.larger.a;",
            "CREATE VIEW s.v AS SELECT 'larger';",
            "CREATE TABLE s.small (a int);",
            "ALTER TABLE ONLY s.larger ALTER COLUMN a SET DEFAULT 1;",
            "COPY s.small (a) FROM stdin;",
            "COPY s.large (a) FROM stdin;",
            "COPY s.larger (a) FROM stdin;",
        ];
        assert_eq!(found(&texts, &index, 1), [(2, 3)]);
        assert_eq!(found(&texts, &index, 9), [(1, 2), (2, 3)]);
        assert_eq!(found(&texts, &index, 0), []);
    }

    #[test]
    fn tables_that_are_locked_with_others_wait() {
        let index = index(&[("t", LARGE)]);
        let copy = "COPY s.t (a) FROM stdin;";
        assert_eq!(found(&["CREATE TABLE s.t (a int);", copy], &index, 1), [(0, 1)]);
        for texts in [
            [copy].as_slice(),
            &["CREATE TABLE s.t (a int);"],
            &["CREATE TABLE s.t () INHERITS (s.u);", copy],
            &["CREATE TABLE s.t OF s.a;", copy],
            &["CREATE TABLE s.t PARTITION OF s.u DEFAULT;", copy],
            &[
                "CREATE TABLE s.t (a int);",
                "ALTER TABLE ONLY s.u ATTACH PARTITION s.t DEFAULT;",
                copy,
            ],
            &["CREATE TABLE s.t (a int);", "COPY s.u (a) FROM stdin;"],
            &[
                "CREATE TABLE s.t (a int);",
                "COPY s.t (a) FROM stdin WITH (FORMAT text);",
            ],
        ] {
            assert_eq!(found(texts, &index, 1), [], "{texts:?}");
        }
    }

    #[test]
    fn tables_of_one_name_are_not_told_apart() {
        let mut index = index(&[("t", LARGE), ("t", 1)]);
        index.tables[1].schema = "u".into();
        let texts = [
            "CREATE TABLE s.t (a int);",
            "CREATE TABLE u.t (a int);",
            "COPY s.t (a) FROM stdin;",
            "COPY u.t (a) FROM stdin;",
        ];
        assert_eq!(found(&texts, &index, 2), []);
    }
}
