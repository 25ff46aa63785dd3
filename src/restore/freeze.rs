//! Which tables' rows can be frozen as they load: those that this same transaction created.
//!
//! `COPY ... FREEZE` spares the vacuum that would rewrite every page later. It fails where the table is older than the
//! transaction, and a failure is the end of a restore; so whatever is not plain is left alone.

use std::collections::HashSet;

use super::verdict::qualified;
use crate::script::{Word, words};

type Name = (Vec<u8>, Vec<u8>);

/// The tables known to be new.
#[derive(Debug, Default)]
pub(super) struct Freezer {
    created: HashSet<Name>,
    /// Something makes it unsure: savepoints, renamed tables, another access method.
    off: bool,
}

impl Freezer {
    /// One that freezes nothing.
    pub(super) fn off() -> Self {
        Freezer {
            off: true,
            ..Freezer::default()
        }
    }

    /// Takes note of what a statement does to tables.
    pub(super) fn note(&mut self, text: &[u8]) {
        if self.off {
            return;
        }
        let mut words = words(text).peekable();
        let Some(first) = words.next() else { return };
        if first.is("create") {
            words.next_if(|w| w.is("unlogged"));
            if words.next_if(|w| w.is("table")).is_none() {
                return;
            }
            let Some((Some(schema), table)) = qualified(&mut words) else {
                return;
            };
            if !is_partitioned(words) {
                self.created.insert((schema, table));
            }
        } else if first.is("drop") {
            // Names fall out of the set only to come back by a later CREATE.
            if words.next().is_some_and(|w| w.is("schema")) {
                self.created.clear();
            }
        } else if first.is("savepoint") || first.is("rollback") || first.is("declare") {
            self.off = true;
        } else if first.is("alter") {
            self.off = words.any(|w| w.is("rename") || w.is("access"));
        } else if first.is("set") {
            let mut words = words.skip_while(|w| !w.is("default_table_access_method")).skip(2);
            self.off = words.next().is_some_and(|w| {
                !matches!(w.name().as_deref(), Some(b"heap")) && w != Word::Text(b"heap".into())
            });
        }
    }

    /// The COPY statement with FREEZE: the text up to where it is to be added. `None` if it must stay as it is.
    pub(super) fn freezable<'a>(
        &self,
        text: &'a [u8],
        target: &(Option<Vec<u8>>, Vec<u8>),
    ) -> Option<&'a [u8]> {
        let name = (target.0.clone()?, target.1.clone());
        if self.off || !self.created.contains(&name) {
            return None;
        }
        before_options(text)
    }
}

/// A COPY statement without options, up to where they are to be added. `None` if it has some.
pub(super) fn before_options(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b";")?.trim_ascii_end();
    let stdin = text.len().checked_sub(b" stdin".len())?;
    text[stdin..].eq_ignore_ascii_case(b" stdin").then_some(text)
}

/// Whether the rest of a CREATE TABLE has PARTITION BY outside of its parentheses.
fn is_partitioned<'a>(words: impl Iterator<Item = Word<'a>>) -> bool {
    let mut depth = 0;
    let mut words = words.filter(|word| {
        match word {
            Word::Other(b'(') => depth += 1,
            Word::Other(b')') => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    while words.any(|word| word.is("partition")) {
        if words.next().is_some_and(|word| word.is("by")) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::verdict::copy_target;
    use super::*;

    #[test]
    fn only_rows_of_tables_made_in_this_transaction_are_frozen() {
        let copy = "COPY public.t (a, b) FROM stdin;";
        for (statements, copy, frozen) in [
            (&["CREATE TABLE public.t (a int);"][..], copy, true),
            (&["CREATE UNLOGGED TABLE public.t (a int);"], copy, true),
            (
                &["CREATE TABLE public.\"t\" (partition int, by int);"],
                copy,
                true,
            ),
            (
                &["CREATE TABLE public.t PARTITION OF p FOR VALUES IN (1);"],
                copy,
                true,
            ),
            (
                &["CREATE TABLE public.t (a int) PARTITION BY LIST (a);"],
                copy,
                false,
            ),
            (&["CREATE TABLE IF NOT EXISTS public.t (a int);"], copy, false),
            (&["CREATE TABLE t (a int);"], copy, false),
            (&["CREATE TABLE public.u (a int);"], copy, false),
            (&["CREATE TABLE public.t (a int);", "SAVEPOINT x;"], copy, false),
            (
                &[
                    "CREATE TABLE public.t (a int);",
                    "ALTER TABLE public.s RENAME TO t;",
                ],
                copy,
                false,
            ),
            (
                &[
                    "SET default_table_access_method = heap;",
                    "CREATE TABLE public.t (a int);",
                ],
                copy,
                true,
            ),
            (
                &[
                    "SET default_table_access_method = other;",
                    "CREATE TABLE public.t (a int);",
                ],
                copy,
                false,
            ),
            (
                &["CREATE TABLE public.t (a int);"],
                "COPY public.t FROM STDIN WITH (FORMAT csv);",
                false,
            ),
        ] {
            let mut freezer = Freezer::default();
            statements.iter().for_each(|s| freezer.note(s.as_bytes()));
            let target = copy_target(copy.as_bytes());
            assert_eq!(
                freezer.freezable(copy.as_bytes(), &target).is_some(),
                frozen,
                "{statements:?} {copy}"
            );
        }
        let mut off = Freezer::off();
        off.note(b"CREATE TABLE public.t (a int);");
        assert!(
            off.freezable(copy.as_bytes(), &copy_target(copy.as_bytes()))
                .is_none()
        );
    }
}
