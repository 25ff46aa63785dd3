//! Whose rows a block of a dump has. Rows of a partition may be loaded through the root of its tree, as pg_dump
//! `--load-via-partition-root` writes them, and pgstow where rows hash to other partitions elsewhere: then only the
//! comment before the block names the table that they come from.

use bytes::Bytes;

use super::subject::Name;
use super::verdict::qualified;
use crate::script::{skip_words, words};
use crate::{escape, sql};

/// Reads the comments of a script as they pass: under which entry the next statement stands.
#[derive(Debug, Default)]
pub(super) struct Heading {
    owner: Option<Name>,
}

/// What an entry's comment begins with, of rows or of anything.
const ROWS: &[u8] = b"-- Data for Name: ";
const ENTRY: &[u8] = b"-- Name: ";

impl Heading {
    /// Takes note of comments between two statements. Lines are whole.
    pub(super) fn gap(&mut self, text: &[u8]) {
        for line in text.split(|&b| b == b'\n') {
            let line = line.trim_ascii_end();
            if let Some(entry) = line.strip_prefix(ROWS) {
                self.owner = table(entry);
            } else if line.starts_with(ENTRY) {
                self.owner = None;
            }
        }
    }

    /// The table whose rows the next block has, as far as a comment tells.
    pub(super) fn owner(&self) -> Option<&Name> {
        self.owner.as_ref()
    }
}

/// The table of `name; Type: TABLE DATA; Schema: schema; Owner: owner`. A name may have all of that in it, too, so it is
/// read from its end; an owner of such a name is not told from a schema's.
fn table(entry: &[u8]) -> Option<Name> {
    let before =
        |text: &'_ [u8], mark: &[u8]| memchr::memmem::rfind(text, mark).map(|at| (at, at + mark.len()));
    let (end, _) = before(entry, b"; Owner: ")?;
    let (name_end, schema) = before(&entry[..end], b"; Type: TABLE DATA; Schema: ")?;
    let text = |bytes: &[u8]| escape::of_bytes(bytes).into_owned();
    Some((text(&entry[schema..end]), text(&entry[..name_end])))
}

/// A COPY or INSERT statement with another table.
pub(super) fn retargeted(text: &[u8], (schema, table): &Name) -> Option<Bytes> {
    let mut all = words(text).peekable();
    let mut before = 1;
    if all.next()?.is("insert") {
        all.next_if(|word| word.is("into"))?;
        before += 1;
    }
    let name = match qualified(&mut all)?.0 {
        Some(_) => 3,
        None => 1,
    };
    let rest = skip_words(text, before + name);
    let verb = if before == 1 { "COPY " } else { "INSERT INTO " };
    let target = sql::qualified(schema, table);
    Some(
        [verb.as_bytes(), &escape::to_bytes(&target), rest]
            .concat()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: &str, table: &str) -> Name {
        (schema.into(), table.into())
    }

    #[test]
    fn the_comment_before_a_block_tells_whose_rows_it_has() {
        let mut heading = Heading::default();
        heading.gap(b"\n\n--\n-- Data for Name: p; q; Type: TABLE DATA; Schema: S x; Owner: o\n--\n\n-- load via partition root a.b\n");
        assert_eq!(heading.owner(), Some(&name("S x", "p; q")));
        // Statements of one entry follow each other.
        heading.gap(b"\n");
        assert_eq!(heading.owner(), Some(&name("S x", "p; q")));
        heading.gap(b"\n-- Name: i; Type: INDEX; Schema: s; Owner: -\n");
        assert_eq!(heading.owner(), None);
        heading.gap(b"-- Data for Name: s; Type: SEQUENCE SET; Schema: s; Owner: -\r\n");
        assert_eq!(heading.owner(), None);
    }

    #[test]
    fn rows_are_led_into_another_table() {
        for (text, want) in [
            (
                "COPY public.\"ro ot\" (a, b) FROM stdin;",
                "COPY s.\"P\" (a, b) FROM stdin;",
            ),
            ("COPY root FROM stdin;", "COPY s.\"P\" FROM stdin;"),
            (
                "INSERT INTO a.root VALUES ('a.root');",
                "INSERT INTO s.\"P\" VALUES ('a.root');",
            ),
        ] {
            let got = retargeted(text.as_bytes(), &name("s", "P")).unwrap();
            assert_eq!(std::str::from_utf8(&got).unwrap(), want);
        }
    }
}
