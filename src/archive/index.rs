//! The index: what stands where in the file, as SQL comments at its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Digest;
use crate::{Error, Result};

/// The version of the layout that FORMAT.md describes.
pub const FORMAT_VERSION: u32 = 1;

/// The last line of every whole dump; pg_dump's own files have it near the end, too.
pub const COMPLETE: &str = "-- PostgreSQL database dump complete";

const OPENING: &str = "--\n-- pgstow index\n--\n";

/// A segment is one member until a table has this many; then the smallest neighbours are joined, so that the index of a
/// huge table stays small.
const MAX_SEGMENTS: usize = 4096;

/// Everything the index knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Where the dump comes from.
    pub header: Header,
    /// The tables in file order.
    pub tables: Vec<Table>,
    /// The contents of large objects, if there are any: their lines are statements, one for each 64 KiB.
    pub large_objects: Option<Rows>,
    /// Everything else: definitions, comments, sequence values. Digested by lines, like rows.
    pub sql: Counted,
    /// Offset in the text at which the index itself begins.
    pub text: u64,
}

/// Where a dump comes from and how it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the layout, see [`FORMAT_VERSION`].
    pub format: u32,
    /// Version of pgstow that wrote the file.
    pub pgstow: String,
    /// The server's version as it names itself, e.g. `16.4 (Debian 16.4-1)`.
    pub server: String,
    /// The server's version as a number, e.g. 160004.
    pub server_version_num: u32,
    /// The database.
    pub database: String,
    /// When the snapshot was taken (RFC 3339, UTC).
    pub snapshot_time: String,
    /// The compression, as `--compress` spells it.
    pub compression: String,
    /// The options that shaped the text.
    pub options: BTreeMap<String, String>,
}

/// Number, size and digest of a set of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Lines.
    pub rows: u64,
    /// Bytes of text, newlines included.
    pub bytes: u64,
    /// The sum of the lines' hashes, see [`Digest`]; 32 hexadecimal digits.
    pub digest: String,
}

impl From<Digest> for Counted {
    fn from(digest: Digest) -> Self {
        Counted {
            rows: digest.rows,
            bytes: digest.bytes,
            digest: digest.hex(),
        }
    }
}

impl Counted {
    /// The digest as numbers; `None` if it is not 32 hexadecimal digits.
    pub fn digest(&self) -> Option<Digest> {
        Some(Digest {
            rows: self.rows,
            bytes: self.bytes,
            sum: u128::from_str_radix(&self.digest, 16).ok()?,
        })
    }
}

/// Lines that stand together in the text, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Number, size and digest.
    #[serde(flatten)]
    pub counted: Counted,
    /// Offset in the whole text of the first line's first byte.
    pub text: u64,
    /// Offset in the file of the member that holds this byte.
    pub offset: u64,
    /// Bytes of that member's text before it.
    pub skip: u64,
    /// Lengths in the file of the parts that hold the lines, one behind the other from `offset` on. Each part is one
    /// or several whole members.
    pub segments: Vec<u64>,
}

impl Rows {
    /// Bytes of the file that hold these lines.
    pub fn stored(&self) -> u64 {
        self.segments.iter().sum()
    }

    /// Notes that the member of `length` bytes in the file holds the next of these lines.
    ///
    /// The segments stay about as large as each other: two neighbours that are joined are no larger than a 2048th of all.
    /// The last one is a single member, so that the end of the rows is found without reading more.
    pub(super) fn add_segment(&mut self, length: u64) {
        if self.segments.len() == MAX_SEGMENTS {
            let pairs = self.segments.windows(2).map(|pair| pair[0] + pair[1]);
            if let Some((first, both)) = pairs.enumerate().min_by_key(|&(_, both)| both) {
                self.segments[first] = both;
                self.segments.remove(first + 1);
            }
        }
        self.segments.push(length);
    }
}

/// One table's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its schema, unquoted.
    pub schema: String,
    /// Its name, unquoted.
    pub name: String,
    /// Its columns in file order, unquoted.
    pub columns: Vec<String>,
    /// The condition that rows had to meet to be dumped, if any, as SQL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<String>,
    /// Its rows and where they stand.
    #[serde(flatten)]
    pub rows: Rows,
}

/// One line of the index.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Table(Table),
    LargeObjects(Rows),
    Sql(Counted),
    End(End),
}

/// The line before the last: it finds the index in the text alone.
#[derive(Serialize, Deserialize)]
struct End {
    /// Offset in the text of the index's first byte.
    text: u64,
    /// Number of tables.
    tables: usize,
    /// XXH3-64 of the index's text before this line; 16 hexadecimal digits.
    hash: String,
}

impl Index {
    /// The table of this schema and name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.schema == schema && t.name == name)
    }

    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.rows.counted.rows).sum()
    }

    /// The index as text, the closing line included.
    pub fn render(&self) -> String {
        let mut out = OPENING.to_string();
        let line = |out: &mut String, line: Line| {
            out.push_str("-- ");
            out.push_str(&serde_json::to_string(&line).expect("the index has only string keys"));
            out.push('\n');
        };
        line(&mut out, Line::Header(self.header.clone()));
        for table in &self.tables {
            line(&mut out, Line::Table(table.clone()));
        }
        if let Some(rows) = &self.large_objects {
            line(&mut out, Line::LargeObjects(rows.clone()));
        }
        line(&mut out, Line::Sql(self.sql.clone()));
        let end = End {
            text: self.text,
            tables: self.tables.len(),
            hash: format!("{:016x}", xxh3_64(out.as_bytes())),
        };
        line(&mut out, Line::End(end));
        out.push_str(COMPLETE);
        out.push('\n');
        out
    }

    /// Reads the index from its text and proves it by its hash.
    pub fn parse(index: &str) -> Result<Index> {
        let mut header = None;
        let mut tables = Vec::new();
        let mut large_objects = None;
        let mut sql = Counted::default();
        let mut at = index
            .strip_prefix(OPENING)
            .map(|_| OPENING.len())
            .ok_or_else(|| {
                let start: String = index.chars().take(40).collect();
                damaged(format!("it starts with {start:?}, expected {OPENING:?}"))
            })?;
        while let Some(json) = index[at..].strip_prefix("-- {") {
            let length = json
                .find('\n')
                .ok_or_else(|| damaged("its last line is cut off"))?;
            let line = &index[at + 3..at + 4 + length];
            let line: Line =
                serde_json::from_str(line).map_err(|e| damaged(format!("line {line:.200}")).because(e))?;
            match line {
                Line::Header(found) if found.format != FORMAT_VERSION => {
                    return Err(Error::failed(format!(
                        "the file has format version {}, this pgstow knows version {FORMAT_VERSION}",
                        found.format
                    ))
                    .hint(format!("Use pgstow {} or newer.", found.pgstow)));
                }
                Line::Header(found) => header = Some(found),
                Line::Table(table) => tables.push(table),
                Line::LargeObjects(rows) => large_objects = Some(rows),
                Line::Sql(counted) => sql = counted,
                Line::End(end) => {
                    let hash = format!("{:016x}", xxh3_64(&index.as_bytes()[..at]));
                    if hash != end.hash || tables.len() != end.tables {
                        return Err(damaged(format!("its hash is {hash}, expected {}", end.hash)));
                    }
                    let header = header.ok_or_else(|| damaged("it has no header line"))?;
                    return Ok(Index {
                        header,
                        tables,
                        large_objects,
                        sql,
                        text: end.text,
                    });
                }
            }
            at += 4 + length + 1;
        }
        Err(damaged("it has no end line"))
    }

    /// Offset in the whole text at which the index begins, from the text's last bytes; `None` if they are not the end
    /// of a file with an index.
    pub fn locate(end_of_text: &[u8]) -> Option<u64> {
        let text = end_of_text
            .strip_suffix(b"\n")?
            .strip_suffix(COMPLETE.as_bytes())?;
        let text = text.strip_suffix(b"\n")?;
        let start = memchr::memrchr(b'\n', text)? + 1;
        let json = text[start..].strip_prefix(b"-- ")?;
        match serde_json::from_slice(json) {
            Ok(Line::End(end)) => Some(end.text),
            _ => None,
        }
    }

    /// Whether the text's last bytes hold the end of an index: with [`Index::locate`] giving nothing, it was damaged or
    /// something was appended.
    pub(super) fn is_near(end_of_text: &[u8]) -> bool {
        let has = |mark: &[u8]| memchr::memmem::find(end_of_text, mark).is_some();
        // Two marks, for one of them may be where the damage is.
        has(b"{\"end\":{\"text\":") || has(b",\"hash\":\"")
    }
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::damaged(format!("the index is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Index {
        let rows = Rows {
            counted: Counted {
                rows: 3,
                bytes: 30,
                digest: format!("{:032x}", 7),
            },
            text: 100,
            offset: 50,
            skip: 20,
            segments: vec![60, 61],
        };
        Index {
            header: Header {
                format: FORMAT_VERSION,
                database: "a\nb".into(),
                ..Header::default()
            },
            tables: vec![Table {
                schema: "public".into(),
                name: "odd\n\\! rm -rf / \"name\"".into(),
                columns: vec!["id".into(), "größe".into()],
                filter: None,
                rows: rows.clone(),
            }],
            large_objects: Some(rows),
            sql: Counted::default(),
            text: 4711,
        }
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let text = sample().render();
        assert_eq!(Index::parse(&text).unwrap(), sample());
        assert_eq!(Index::locate(text.as_bytes()), Some(4711));
    }

    #[test]
    fn every_line_of_an_index_is_a_comment() {
        assert!(sample().render().lines().all(|line| line.starts_with("--")));
    }

    #[test]
    fn a_changed_index_is_not_believed() {
        let text = sample().render();
        for (from, to) in [
            ("\"rows\":3", "\"rows\":4"),
            ("\"tables\":1", "\"tables\":2"),
            ("-- {", "--{"),
        ] {
            let e = Index::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert_eq!(e.kind(), crate::error::Kind::Damaged, "{from}");
        }
        for cut in (1..text.len()).filter(|at| text.is_char_boundary(*at)) {
            if let Ok(index) = Index::parse(&text[..cut]) {
                assert_eq!(index, sample());
                assert!(cut >= text.len() - COMPLETE.len() - 1);
            }
        }
    }

    #[test]
    fn the_index_of_a_huge_table_stays_small() {
        let mut rows = Rows::default();
        let lengths = (0..100_000).map(|number| 1000 + number % 777);
        for length in lengths.clone() {
            rows.add_segment(length);
        }
        assert!(rows.segments.len() <= MAX_SEGMENTS);
        assert_eq!(rows.stored(), lengths.sum::<u64>());
        // None is much larger than the others: what is read for one of them is the same everywhere.
        let largest = *rows.segments.iter().max().unwrap();
        assert!(largest <= rows.stored() / (MAX_SEGMENTS as u64 / 2), "{largest}");
        assert!(*rows.segments.last().unwrap() < 1777);
    }
}
