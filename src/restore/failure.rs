//! A failed statement told to the person who restores: which one, where in the file, and the server's own words.

use super::redact::{redacted, redacted_context};
use crate::Error;
use crate::error::{Kind, ServerMessage};

/// Characters of a statement that are shown.
const SHOWN: usize = 300;

/// What was being done when the server reported an error.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doing<'a> {
    /// The statement that begins at this line.
    Statement { text: &'a [u8], line: u64 },
    /// The rows of a COPY statement; the first of them stands at `rows`.
    Copy { text: &'a [u8], line: u64, rows: u64 },
    /// Something of our own, not in the script.
    Own(&'static str),
}

/// The error for it. The server has ended the connection if `lost`; `outcome` is what becomes of all that was done.
pub(super) fn explain(doing: Doing<'_>, mut message: ServerMessage, lost: bool, outcome: &str) -> Error {
    // It may quote the statement that failed within another one.
    if let Doing::Statement { .. } = doing
        && let Some(context) = &mut message.context
    {
        *context = redacted_context(context);
    }
    let (line, what) = match doing {
        Doing::Own(what) => (None, what.to_string()),
        Doing::Statement { text, line } => {
            let at = line + lines_before(text, message.position);
            (Some(at), abbreviate(text))
        }
        Doing::Copy { text, line, rows } => match copy_line(&message) {
            Some(row) => (
                Some(rows + row - 1),
                format!("line {row} of the rows of {}", abbreviate(text)),
            ),
            None => (Some(line), abbreviate(text)),
        },
    };
    let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    // A server that shuts down reports that in place of the statement's result.
    let kind = if lost { Kind::Failed } else { Kind::Script };
    let failed = if lost {
        "the server ended the connection"
    } else {
        "failed"
    };
    let hint = hint(&message);
    let error = Error::new(kind, format!("{at}{failed}, {outcome}: {what}")).with_server(message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Advice for errors whose cause is not in the script.
fn hint(message: &ServerMessage) -> Option<&'static str> {
    match message.code.as_str() {
        "53200" if message.message.contains("shared memory") => Some(
            "The script makes more objects than one transaction can lock: raise max_locks_per_transaction on the server \
             and restart it.",
        ),
        "53100" => Some("The server's disk is full: make room, then restore again."),
        "55000" | "25000" if message.message.contains("FREEZE") => Some("Restore with --no-freeze."),
        "42501" => {
            Some("The role lacks a privilege: restore as the owner of the database or as a superuser.")
        }
        "42P07" | "42710" | "42723" | "42P06" => Some(
            "The object is there already: restore into an empty database, or use a dump that drops objects first \
             (--clean).",
        ),
        "42704" if message.message.starts_with("role ") => {
            Some("Create the role, or restore with --missing-roles skip or create.")
        }
        _ => None,
    }
}

/// Line ends before a position, which counts characters from 1.
fn lines_before(text: &[u8], position: Option<u32>) -> u64 {
    let Some(position) = position else { return 0 };
    let before = String::from_utf8_lossy(text);
    before
        .chars()
        .take(position.saturating_sub(1) as usize)
        .filter(|&c| c == '\n')
        .count() as u64
}

/// The line of the COPY's rows that the server complains about: `COPY t, line 3, column a: "x"`. The words are in the
/// server's language, but the number is the first after the table's name.
fn copy_line(message: &ServerMessage) -> Option<u64> {
    let context = message.context.as_deref()?;
    let rest = context.lines().find_map(|line| line.strip_prefix("COPY "))?;
    let rest = rest.split_once(", ")?.1;
    let digits: String = rest
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().filter(|&line| line > 0)
}

/// The beginning of a statement on one line, without passwords.
pub(super) fn abbreviate(text: &[u8]) -> String {
    // More bytes than needed for the characters shown, for there may be much white space.
    let start = redacted(&text[..text.len().min(8 * SHOWN)]);
    let start = String::from_utf8_lossy(&start);
    let mut shown = String::new();
    for word in start.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    let long = text.len() > 8 * SHOWN || shown.chars().count() > SHOWN;
    if long {
        shown = shown.chars().take(SHOWN).collect();
        shown.push_str(" ...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(context: &str) -> ServerMessage {
        ServerMessage {
            context: Some(context.into()),
            ..ServerMessage::default()
        }
    }

    #[test]
    fn the_line_of_a_bad_row_is_found_in_any_language() {
        for (context, line) in [
            ("COPY t, line 3, column a: \"x\"", Some(3)),
            ("COPY t, Zeile 12: »1\t2«", Some(12)),
            ("COPY t2, line 7", Some(7)),
            (
                "PL/pgSQL function f() line 3 at RAISE\nCOPY t, line 5: \"1\"",
                Some(5),
            ),
            ("SQL statement \"...\"", None),
        ] {
            assert_eq!(copy_line(&message(context)), line, "{context}");
        }
        let doing = Doing::Copy {
            text: b"COPY public.t (a) FROM stdin;",
            line: 40,
            rows: 41,
        };
        let error = explain(doing, message("COPY t, line 3, column a: \"x\""), false, "");
        assert!(error.message().starts_with("line 43: failed"), "{error}");
        assert!(
            error.message().contains("line 3 of the rows of COPY public.t"),
            "{error}"
        );
    }

    #[test]
    fn the_line_of_an_error_within_a_statement_is_told() {
        let doing = Doing::Statement {
            text: "CREATE TABLE größe (\n  a int,\n  b nonsense\n);".as_bytes(),
            line: 10,
        };
        let error = explain(
            doing,
            ServerMessage {
                position: Some(35),
                ..ServerMessage::default()
            },
            false,
            "",
        );
        assert!(error.message().starts_with("line 12: failed"), "{error}");
        assert_eq!(error.kind(), Kind::Script);
    }

    #[test]
    fn a_huge_statement_is_abbreviated() {
        let text = format!("INSERT INTO t VALUES\n  ('{}');", "x".repeat(1 << 20));
        let shown = abbreviate(text.as_bytes());
        assert!(shown.starts_with("INSERT INTO t VALUES ('xxx"), "{shown}");
        assert!(shown.ends_with(" ...") && shown.len() < 400, "{shown}");
        assert_eq!(abbreviate(b"SELECT\n\n  1;"), "SELECT 1;");
    }
}
