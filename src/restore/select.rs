//! A part of a script: its definitions, its rows, or the rows of some tables.
//!
//! From a file with an index only the members of the wanted tables are read. The order of statements stays the file's.

use std::io::{PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::verdict::qualified as qualified_name;
use crate::archive::{Archive, Index, Reader, Table, open_file};
use crate::script::{Lexer, Piece, Word, setting, words};
use crate::sql::{ident_list, qualified};
use crate::{Error, Result};

/// A pattern for tables: `table` or `schema.table`, with `*` for any letters and `?` for one. Without a schema: in any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePattern {
    schema: Option<String>,
    table: String,
}

impl std::str::FromStr for TablePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (schema, table) = match text.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, text),
        };
        if table.is_empty() || schema == Some("") || table.contains('.') {
            return Err("expected table or schema.table, where * and ? stand for any letters".into());
        }
        Ok(TablePattern {
            schema: schema.map(str::to_string),
            table: table.to_string(),
        })
    }
}

impl TablePattern {
    fn matches(&self, schema: &str, table: &str) -> bool {
        let in_schema = self.schema.as_deref().is_none_or(|pattern| like(pattern, schema));
        in_schema && like(&self.table, table)
    }
}

/// Whether a name matches a pattern of letters, `*` and `?`.
fn like(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on if what follows the last star turns out not to match.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, matched)) => {
                    star = Some((at, matched + 1));
                    p = at + 1;
                    n = matched + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Which part of a script is replayed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of it.
    #[default]
    All,
    /// Definitions: no rows, sequence values or contents of large objects.
    Definitions,
    /// Rows, sequence values and contents of large objects, into what is there.
    Data,
    /// The rows of the tables that match one of these patterns, into tables that are there.
    Tables(Vec<TablePattern>),
}

/// What a statement does to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    /// It sets how others are read.
    Setting,
    /// It defines something.
    Definition,
    /// It fills this table.
    Rows { schema: String, table: String },
    /// It is other data.
    Data,
}

fn effect(text: &[u8]) -> Effect {
    let mut all = words(text);
    let Some(first) = all.next() else {
        return Effect::Setting;
    };
    if setting(text).is_some() || first.is("begin") || first.is("commit") {
        return Effect::Setting;
    }
    if first.is("copy") || (first.is("insert") && all.next().is_some_and(|word| word.is("into"))) {
        let (schema, table) = qualified_name(&mut all.peekable()).unwrap_or_default();
        let name = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        return Effect::Rows {
            schema: name(schema.unwrap_or_default()),
            table: name(table),
        };
    }
    if first.is("select") {
        let function = all.find(|word| !word.is("pg_catalog") && *word != Word::Other(b'.'));
        return match function {
            Some(word) if word.is("set_config") => Effect::Setting,
            Some(word) if word.is("lo_create") => Effect::Definition,
            _ => Effect::Data,
        };
    }
    if first.is("refresh") {
        return Effect::Data;
    }
    // Written by pg_dump --disable-triggers around a table's rows.
    let last_words: Vec<_> = all.collect();
    if first.is("alter")
        && last_words
            .windows(2)
            .any(|w| w[0].is("trigger") && w[1].is("all"))
    {
        return Effect::Data;
    }
    Effect::Definition
}

impl Selection {
    /// Whether a statement is replayed.
    pub(super) fn wants(&self, text: &[u8]) -> bool {
        match self {
            Selection::All => true,
            Selection::Definitions => matches!(effect(text), Effect::Setting | Effect::Definition),
            Selection::Data => effect(text) != Effect::Definition,
            Selection::Tables(patterns) => match effect(text) {
                Effect::Setting => true,
                Effect::Rows { schema, table } => patterns.iter().any(|p| p.matches(&schema, &table)),
                Effect::Definition | Effect::Data => false,
            },
        }
    }

    /// The tables of an index whose rows are wanted.
    fn tables<'a>(&self, index: &'a Index) -> Vec<&'a Table> {
        match self {
            Selection::Tables(patterns) => {
                let wanted = |table: &&Table| patterns.iter().any(|p| p.matches(&table.schema, &table.name));
                index.tables.iter().filter(wanted).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A script with the rows of the wanted tables alone, read by the file's index. Errors of reading end the script early,
/// which a restore takes for a truncated one; the cause is left in `cause`.
pub struct Extract {
    script: PipeReader,
    cause: Arc<Mutex<Option<Error>>>,
}

impl Extract {
    /// Begins to read the tables; `None` if the file has no index, or all of it is wanted. A selection that selects
    /// nothing is an error.
    pub fn begin(path: &Path, selection: &Selection) -> Result<Option<Extract>> {
        if !matches!(selection, Selection::Tables(_)) {
            return Ok(None);
        }
        let Some(archive) = Archive::open(path)? else {
            return Ok(None);
        };
        let tables: Vec<Table> = selection.tables(archive.index()).into_iter().cloned().collect();
        if tables.is_empty() {
            return Err(
                Error::usage(format!("{} has no table that matches", path.display()))
                    .hint("`pgstow list FILE` shows its tables."),
            );
        }
        let (script, out) = std::io::pipe().map_err(|e| Error::io("cannot make a pipe", e))?;
        let cause = Arc::new(Mutex::new(None));
        let (path, slot): (PathBuf, _) = (path.to_path_buf(), Arc::clone(&cause));
        std::thread::spawn(move || {
            let mut out = out;
            // The pipe is closed only after the cause is known.
            if let Err(error) = write(&path, archive, &tables, &mut out) {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Ok(Some(Extract { script, cause }))
    }
}

impl Read for Extract {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.script.read(buf)?;
        let over = n == 0 && !buf.is_empty();
        // The lock is let go before anything is made of what it guards.
        let cause = over.then(|| self.cause.lock().unwrap_or_else(PoisonError::into_inner).take());
        match cause.flatten() {
            Some(error) => Err(std::io::Error::other(error)),
            None => Ok(n),
        }
    }
}

fn write(
    path: &Path,
    mut archive: Archive<std::fs::File>,
    tables: &[Table],
    mut out: impl Write,
) -> Result<()> {
    let failed = |e| Error::io("cannot hand rows on", e);
    out.write_all(&settings(path)?).map_err(failed)?;
    for table in tables {
        let columns = match table.columns.is_empty() {
            true => String::new(),
            false => format!(" ({})", ident_list(table.columns.iter().map(String::as_str))),
        };
        let copy = format!(
            "COPY {}{columns} FROM stdin;\n",
            qualified(&table.schema, &table.name)
        );
        out.write_all(copy.as_bytes()).map_err(failed)?;
        let mut rows = archive.rows(&table.rows)?;
        loop {
            let chunk = rows.chunk()?;
            if chunk.is_empty() {
                break;
            }
            out.write_all(chunk).map_err(failed)?;
        }
        out.write_all(b"\\.\n").map_err(failed)?;
    }
    Ok(())
}

/// The settings at the head of a file, as they stand there.
fn settings(path: &Path) -> Result<Vec<u8>> {
    let mut reader = Reader::new(open_file(path)?)?;
    let mut lexer = Lexer::new();
    let mut head = Vec::new();
    loop {
        let chunk = reader.chunk()?;
        match chunk.is_empty() {
            true => return Ok(head),
            false => lexer.push(Bytes::copy_from_slice(chunk)),
        }
        while let Some(piece) = lexer.cut()? {
            match piece {
                Piece::Statement(statement) if effect(&statement.text) == Effect::Setting => {
                    head.extend_from_slice(&statement.text);
                    head.push(b'\n');
                }
                Piece::Gap(_) | Piece::Meta(_) => {}
                _ => return Ok(head),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_a_shell_has_them() {
        for (pattern, schema, table, want) in [
            ("users", "public", "users", true),
            ("users", "public", "users2", false),
            ("public.users", "public", "users", true),
            ("public.users", "other", "users", false),
            ("log_*", "public", "log_2024", true),
            ("*.log_?", "x", "log_1", true),
            ("log_?", "x", "log_12", false),
            ("*a*b", "x", "aab", true),
            ("*a*b", "x", "aba", false),
            ("Größe*", "x", "Größe", true),
        ] {
            let pattern: TablePattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.matches(schema, table),
                want,
                "{pattern:?} {schema}.{table}"
            );
        }
        for wrong in ["", ".t", "s.", "a.b.c"] {
            assert!(wrong.parse::<TablePattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_statement_is_setting_definition_or_data() {
        let tables = Selection::Tables(vec!["public.t".parse().unwrap()]);
        for (text, definitions, data, table) in [
            ("SET row_security = off;", true, true, true),
            (
                "SELECT pg_catalog.set_config('search_path', '', false);",
                true,
                true,
                true,
            ),
            ("CREATE TABLE public.t (a int);", true, false, false),
            (
                "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (a);",
                true,
                false,
                false,
            ),
            ("COPY public.t (a) FROM stdin;", false, true, true),
            ("COPY public.u (a) FROM stdin;", false, true, false),
            ("INSERT INTO public.t (a) VALUES (1);", false, true, true),
            (
                "INSERT INTO public.u VALUES ('INTO public.t');",
                false,
                true,
                false,
            ),
            (
                "SELECT pg_catalog.setval('public.s', 1, true);",
                false,
                true,
                false,
            ),
            ("SELECT pg_catalog.lo_put(1, 0, 'x');", false, true, false),
            ("SELECT pg_catalog.lo_create('1');", true, false, false),
            ("REFRESH MATERIALIZED VIEW public.mv;", false, true, false),
            ("ALTER TABLE public.t DISABLE TRIGGER ALL;", false, true, false),
        ] {
            let text = text.as_bytes();
            let got = (
                Selection::Definitions.wants(text),
                Selection::Data.wants(text),
                tables.wants(text),
            );
            assert_eq!(got, (definitions, data, table), "{}", text.escape_ascii());
        }
    }
}
