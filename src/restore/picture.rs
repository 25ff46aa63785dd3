//! What a dump says, in small: each table's digest, each sequence's value, each definition's hash. Two pictures are
//! equal when the databases are.
//!
//! The text of a file and that of a fresh dump of a database are read by the same code, so that a difference is one of
//! the databases. Memory grows with the number of objects, never with rows or large objects.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::failure::abbreviate;
use super::verdict::copy_target;
use crate::archive::{Archive, Digest, Excerpt, Index, LineDigest, OpenFile, Part, Reader, Wanted};
use crate::script::{Lexer, Piece, Word, setting, words};
use crate::sql::{ident, qualified};
use crate::{Error, Result, escape};

/// What a dump says, in small.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Digest of the rows of each table that is filled by COPY, by its qualified name.
    pub tables: BTreeMap<String, Digest>,
    /// Arguments of `setval` after the name, by sequence.
    pub sequences: BTreeMap<String, String>,
    /// Digest of the statements that write the contents of large objects.
    pub large_objects: Digest,
    /// All other statements but settings: how often each occurs, and how it begins.
    definitions: BTreeMap<u128, (u64, String)>,
}

impl Picture {
    /// The picture of a file that has an index: that tells the rows, which are not read.
    pub fn of_archive(archive: Archive<OpenFile>) -> Result<Picture> {
        let wanted = Wanted::no_rows(archive.index());
        let mut excerpt = Excerpt::new(archive, wanted, 1);
        let mut painter = Painter::without_rows();
        while let Some(part) = excerpt.part()? {
            if let Part::Sql(text) = part {
                painter.push(text)?;
            }
        }
        painter.finish_with(excerpt.index())
    }

    /// The picture of a file's text, compressed or not.
    pub fn read(input: impl Read) -> Result<Picture> {
        let mut reader = Reader::new(input)?;
        let mut painter = Painter::default();
        loop {
            let chunk = reader.chunk()?;
            if chunk.is_empty() {
                break;
            }
            painter.push(Bytes::copy_from_slice(chunk))?;
        }
        reader.ending()?;
        painter.finish()
    }
}

/// Makes a [`Picture`] of a text that is written to it.
#[derive(Default)]
pub struct Painter {
    lexer: Lexer,
    picture: Picture,
    /// The table whose rows are passing, and their digest.
    rows: Option<(String, LineDigest)>,
    /// The tables so far, where their digests come from an index in the end.
    names: Option<Vec<String>>,
}

impl Painter {
    /// One that does not look at rows: an index that is given in the end knows their digests.
    pub fn without_rows() -> Painter {
        Painter {
            names: Some(Vec::new()),
            ..Painter::default()
        }
    }

    /// The picture, after the last part, with the digests of the index: its tables are those of the text, in its order.
    pub fn finish_with(mut self, index: &Index) -> Result<Picture> {
        let names = self.names.take().unwrap_or_default();
        let mut picture = self.finish()?;
        if names.len() != index.tables.len() {
            return Err(Error::damaged(format!(
                "the text has rows of {} tables, but the index speaks of {}",
                names.len(),
                index.tables.len()
            )));
        }
        for (name, table) in names.into_iter().zip(&index.tables) {
            let counted = &table.rows.counted;
            let digest = counted
                .digest()
                .ok_or_else(|| Error::damaged(format!("the index says {:?} for a digest", counted.digest)))?;
            picture.tables.entry(name).or_default().merge(&digest);
        }
        Ok(picture)
    }

    /// Takes the next part of the text.
    pub fn push(&mut self, text: Bytes) -> Result<()> {
        self.lexer.push(text);
        self.paint()
    }

    /// The picture, after the last part.
    pub fn finish(mut self) -> Result<Picture> {
        self.lexer.finish();
        self.paint()?;
        Ok(self.picture)
    }

    fn paint(&mut self) -> Result<()> {
        while let Some(piece) = self.lexer.cut()? {
            match piece {
                Piece::Gap(_) | Piece::Meta(_) => {}
                Piece::Statement(statement) if statement.rows_follow => {
                    let (schema, table) = copy_target(&statement.text);
                    let text = |name: &[u8]| escape::of_bytes(name).into_owned();
                    let name = match schema {
                        Some(schema) => qualified(&text(&schema), &text(&table)),
                        None => ident(&text(&table)),
                    };
                    match &mut self.names {
                        Some(names) => names.push(name),
                        None => self.rows = Some((name, LineDigest::default())),
                    }
                }
                Piece::Statement(statement) => self.picture.statement(&statement.text),
                Piece::Rows(rows) => {
                    if let Some((_, digest)) = &mut self.rows {
                        digest.update(&rows);
                    }
                }
                Piece::EndOfRows(_) => {
                    if let Some((name, rows)) = self.rows.take() {
                        self.picture
                            .tables
                            .entry(name)
                            .or_default()
                            .merge(&rows.finish().0);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A dump can be written into it.
impl Write for Painter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.push(Bytes::copy_from_slice(buf)).map_err(io::Error::other)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Picture {
    fn statement(&mut self, text: &[u8]) {
        let mut all = words(text);
        let first = all.next();
        if first.as_ref().is_some_and(|word| word.is("select")) {
            let function = all.find(|word| !word.is("pg_catalog") && *word != Word::Other(b'.'));
            let is = |name: &str| function.as_ref().is_some_and(|word| word.is(name));
            if is("set_config") {
                return;
            }
            if is("lo_put") || is("lowrite") {
                return self.large_objects.row(text);
            }
            if is("setval")
                && let Some(Word::Text(name)) = all.nth(1)
            {
                let value: Vec<String> = all.filter_map(|word| value(&word)).collect();
                let name = escape::of_bytes(&name).into_owned();
                self.sequences.insert(name, value.join(" "));
                return;
            }
        }
        if setting(text).is_some() {
            return;
        }
        let known = self
            .definitions
            .entry(xxh3_128(text))
            .or_insert_with(|| (0, abbreviate(text)));
        known.0 += 1;
    }
}

fn value(word: &Word<'_>) -> Option<String> {
    match word {
        Word::Bare(text) => Some(escape::of_bytes(text).into_owned()),
        _ => None,
    }
}

/// Where two pictures differ.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Differences {
    /// Tables whose rows differ: name, rows in the file, rows in the database.
    pub tables: Vec<(String, u64, u64)>,
    /// Tables in the file only.
    pub missing: Vec<String>,
    /// Tables in the database only.
    pub new: Vec<String>,
    /// Sequences whose values differ: name, value in the file, value in the database.
    pub sequences: Vec<(String, String, String)>,
    /// The contents of large objects differ.
    pub large_objects: bool,
    /// Definitions, privileges and so on in the file only, abbreviated.
    pub definitions_missing: Vec<String>,
    /// Those in the database only.
    pub definitions_new: Vec<String>,
}

impl Differences {
    /// Compares a file with a database. Definitions are compared only if both texts are pgstow's.
    pub fn between(file: &Picture, database: &Picture, definitions: bool) -> Differences {
        let mut found = Differences {
            // pg_dump writes them by other statements.
            large_objects: definitions && file.large_objects.sum != database.large_objects.sum,
            ..Differences::default()
        };
        for (name, rows) in &file.tables {
            match database.tables.get(name) {
                None => found.missing.push(name.clone()),
                Some(other) if other != rows => found.tables.push((name.clone(), rows.rows, other.rows)),
                Some(_) => {}
            }
        }
        let new = database
            .tables
            .keys()
            .filter(|name| !file.tables.contains_key(*name));
        found.new = new.cloned().collect();
        for (name, value) in &file.sequences {
            let other = database.sequences.get(name).cloned().unwrap_or_default();
            if other != *value {
                found.sequences.push((name.clone(), value.clone(), other));
            }
        }
        if definitions {
            found.definitions_missing = surplus(file, database);
            found.definitions_new = surplus(database, file);
        }
        found
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Differences::default()
    }
}

/// Definitions that one has more often than the other.
fn surplus(one: &Picture, other: &Picture) -> Vec<String> {
    let more = one.definitions.iter().filter(|(hash, (count, _))| {
        let there = other.definitions.get(*hash).map_or(0, |known| known.0);
        *count > there
    });
    more.map(|(_, (_, text))| text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Picture {
        Picture::read(text.as_bytes()).unwrap()
    }

    const ONE: &str = "SET search_path = '';\nCREATE TABLE a.t (x int);\nCOPY a.t (x) FROM stdin;\n1\n2\n\\.\n\
        SELECT pg_catalog.setval('a.s', 5, true);\nSELECT pg_catalog.lo_put(1, 0, 'x');\n";

    #[test]
    fn the_order_of_rows_and_the_settings_do_not_matter() {
        let other = ONE
            .replace("1\n2", "2\n1")
            .replace("SET search_path", "SET search_path_");
        assert!(Differences::between(&of(ONE), &of(&other), true).is_empty());
    }

    #[test]
    fn every_other_difference_is_seen() {
        let differs =
            |from: &str, to: &str| Differences::between(&of(ONE), &of(&ONE.replace(from, to)), true);
        assert_eq!(differs("1\n2", "1\n3").tables, [("a.t".to_string(), 2, 2)]);
        assert_eq!(differs("1\n2", "1\n2\n2").tables, [("a.t".to_string(), 2, 3)]);
        assert_eq!(differs("COPY a.t", "COPY a.\"T\"").missing, ["a.t"]);
        assert_eq!(differs("COPY a.t", "COPY a.\"T\"").new, ["a.\"T\""]);
        let sequence = ("a.s".to_string(), "5 true".to_string(), "5 false".to_string());
        assert_eq!(differs("5, true", "5, false").sequences, [sequence]);
        assert!(differs("'x'", "'y'").large_objects);
        assert_eq!(
            differs("x int", "y int").definitions_missing,
            ["CREATE TABLE a.t (x int);"]
        );
        assert_eq!(
            differs("x int", "y int").definitions_new,
            ["CREATE TABLE a.t (y int);"]
        );
    }
}
