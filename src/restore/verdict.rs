//! What to do with a statement, by its first words.

use crate::script::{Statement, Word, setting, words};

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent as it stands.
    Send,
    /// It is sent, and rows follow it.
    Copy,
    /// It begins a transaction of the script's own: left out, there is one already.
    Begin,
    /// It ends a transaction of the script's own: left out, ours goes on.
    Commit,
    /// It sets what this server does not know to what it does anyway: left out.
    Unknown,
    /// It makes or drops a database.
    OtherDatabase,
    /// It makes or drops a tablespace.
    Tablespace,
    /// It cannot be replayed in one transaction.
    Refuse {
        /// Why not.
        why: &'static str,
        /// What to do.
        hint: &'static str,
    },
}

/// Settings at the head of pg_dump's files, with the version that knows them first. pg_dump writes the settings of the
/// server it came from, even where the file is meant for an older one.
const NEW_SETTINGS: &[(&str, u32)] = &[("transaction_timeout", 170_000)];

/// The verdict on one statement for a server of this version (`server_version_num`).
pub(super) fn verdict(statement: &Statement, version: u32) -> Verdict {
    if statement.rows_follow {
        return Verdict::Copy;
    }
    if let Some((name, value)) = setting(&statement.text)
        && value == "0"
        && NEW_SETTINGS
            .iter()
            .any(|&(new, since)| new == name && version < since)
    {
        return Verdict::Unknown;
    }
    let words: Vec<_> = words(&statement.text).take(4).collect();
    let Some((first, rest)) = words.split_first() else {
        return Verdict::Send;
    };
    let next_is = |keyword: &str| rest.first().is_some_and(|word| word.is(keyword));
    if first.is("begin") || (first.is("start") && next_is("transaction")) {
        return Verdict::Begin;
    }
    if first.is("commit") || first.is("end") {
        return match next_is("prepared") {
            true => Verdict::Send,
            false => Verdict::Commit,
        };
    }
    if first.is("abort") || (first.is("rollback") && !rest.iter().any(|w| w.is("to") || w.is("prepared"))) {
        return Verdict::Refuse {
            why: "the script rolls its own work back, which would undo everything restored so far",
            hint: "Remove the statement, or replay the script with psql.",
        };
    }
    if first.is("prepare") && next_is("transaction") {
        return Verdict::Refuse {
            why: "a restore is one transaction and cannot be handed to a transaction manager",
            hint: "Remove the statement.",
        };
    }
    if (first.is("create") || first.is("drop")) && next_is("database") {
        return Verdict::OtherDatabase;
    }
    if (first.is("create") || first.is("drop")) && next_is("tablespace") {
        return Verdict::Tablespace;
    }
    Verdict::Send
}

/// The database or tablespace (`kind`) that a statement makes.
pub(super) fn made(text: &[u8], kind: &str) -> Option<String> {
    let mut words = words(text);
    words.next().filter(|word| word.is("create"))?;
    words.next().filter(|word| word.is(kind))?;
    let name = words.next()?.name()?;
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// The table that a statement makes, if it gives its schema.
pub(super) fn created_table(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut words = words(text).peekable();
    words.next_if(|word| word.is("create"))?;
    words.next_if(|word| word.is("unlogged"));
    words.next_if(|word| word.is("table"))?;
    let (schema, table) = qualified(&mut words)?;
    Some((schema?, table))
}

/// The table that a COPY statement fills, as `schema.table` with both parts unquoted; the schema may be missing.
pub(super) fn copy_target(text: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
    let mut words = words(text).skip(1).peekable();
    qualified(&mut words).unwrap_or_default()
}

/// The columns that a COPY statement lists, unquoted. `None` if it lists none.
pub(super) fn copy_columns(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = words(text).skip(1).peekable();
    qualified(&mut words)?;
    words.next_if_eq(&Word::Other(b'('))?;
    let mut columns = Vec::new();
    loop {
        columns.push(words.next()?.name()?);
        match words.next()? {
            Word::Other(b',') => {}
            Word::Other(b')') => return Some(columns),
            _ => return None,
        }
    }
}

/// A possibly qualified name at the head of some words.
pub(super) fn qualified<'a>(
    words: &mut std::iter::Peekable<impl Iterator<Item = Word<'a>>>,
) -> Option<(Option<Vec<u8>>, Vec<u8>)> {
    let first = words.next()?.name()?;
    if words.peek() != Some(&Word::Other(b'.')) {
        return Some((None, first));
    }
    words.next();
    Some((Some(first), words.next()?.name()?))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn on(text: &'static str, version: u32) -> Verdict {
        let statement = Statement {
            text: Bytes::from_static(text.as_bytes()),
            line: 1,
            rows_follow: false,
        };
        verdict(&statement, version)
    }

    fn of(text: &'static str) -> Verdict {
        on(text, 180_000)
    }

    #[test]
    fn settings_of_newer_servers_are_left_out_on_older_ones() {
        assert_eq!(on("SET transaction_timeout = 0;", 160_004), Verdict::Unknown);
        assert_eq!(on("SET transaction_timeout = 0;", 170_000), Verdict::Send);
        assert_eq!(on("SET transaction_timeout = 5;", 160_004), Verdict::Send);
    }

    #[test]
    fn transactions_of_the_script_are_seen_in_every_spelling() {
        for (text, want) in [
            ("BEGIN;", Verdict::Begin),
            ("begin transaction isolation level serializable;", Verdict::Begin),
            ("START TRANSACTION READ WRITE;", Verdict::Begin),
            ("COMMIT;", Verdict::Commit),
            ("END;", Verdict::Commit),
            ("COMMIT PREPARED 'x';", Verdict::Send),
            ("SAVEPOINT a;", Verdict::Send),
            ("ROLLBACK TO a;", Verdict::Send),
            ("ROLLBACK WORK TO SAVEPOINT a;", Verdict::Send),
            ("CREATE TABLE begin ();", Verdict::Send),
            (";", Verdict::Send),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
        for text in ["ROLLBACK;", "abort work;", "PREPARE TRANSACTION 'x';"] {
            assert!(matches!(of(text), Verdict::Refuse { .. }), "{text}");
        }
        for text in ["DROP DATABASE IF EXISTS app;", "CREATE DATABASE \"App\";"] {
            assert_eq!(of(text), Verdict::OtherDatabase, "{text}");
        }
        assert_eq!(
            made(b"CREATE DATABASE \"App\" ENCODING 'UTF8';", "database").as_deref(),
            Some("App")
        );
        assert_eq!(made(b"DROP DATABASE app;", "database"), None);
        assert_eq!(of("CREATE TABLESPACE fast LOCATION '/x';"), Verdict::Tablespace);
    }

    #[test]
    fn the_table_of_a_copy_is_read_with_any_quotes() {
        let name = |schema: Option<&str>, table: &str| {
            (schema.map(|s| s.as_bytes().to_vec()), table.as_bytes().to_vec())
        };
        assert_eq!(
            copy_target(b"COPY public.t (a) FROM stdin;"),
            name(Some("public"), "t")
        );
        assert_eq!(
            copy_target(b"copy \"A.b\".\"c\"\"d\" FROM stdin;"),
            name(Some("A.b"), "c\"d")
        );
        assert_eq!(copy_target(b"COPY Foo FROM stdin;"), name(None, "foo"));
    }

    #[test]
    fn the_columns_of_a_copy_are_read_in_its_order() {
        let columns = |names: &[&str]| Some(names.iter().map(|n| n.as_bytes().to_vec()).collect());
        for (text, want) in [
            (
                "COPY public.t (b, \"A, (\", c) FROM stdin;",
                columns(&["b", "A, (", "c"]),
            ),
            ("COPY t (\"a\"\"b\") FROM stdin;", columns(&["a\"b"])),
            ("COPY public.t FROM stdin;", None),
            ("COPY public.t () FROM stdin;", None),
            ("COPY public.t (a b) FROM stdin;", None),
            ("COPY public.t (a", None),
        ] {
            assert_eq!(copy_columns(text.as_bytes()), want, "{text}");
        }
    }
}
