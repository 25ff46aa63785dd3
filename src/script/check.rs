//! Whether a text is what its writer thinks it is.

use bytes::Bytes;

use super::scan::Scanner;
use super::{Lexer, Piece};
use crate::{Error, Result};

/// Variables that psql 18 sets by itself: `:"USER"` in a statement would be replaced.
const PSQL_VARIABLES: &[&str] = &[
    "AUTOCOMMIT",
    "COMP_KEYWORD_CASE",
    "DBNAME",
    "ECHO",
    "ECHO_HIDDEN",
    "ENCODING",
    "ERROR",
    "FETCH_COUNT",
    "HIDE_TABLEAM",
    "HIDE_TOAST_COMPRESSION",
    "HISTCONTROL",
    "HISTFILE",
    "HISTSIZE",
    "HOST",
    "IGNOREEOF",
    "LASTOID",
    "LAST_ERROR_MESSAGE",
    "LAST_ERROR_SQLSTATE",
    "ON_ERROR_ROLLBACK",
    "ON_ERROR_STOP",
    "PIPELINE_COMMAND_COUNT",
    "PIPELINE_RESULT_COUNT",
    "PIPELINE_SYNC_COUNT",
    "PORT",
    "PROMPT1",
    "PROMPT2",
    "PROMPT3",
    "QUIET",
    "ROW_COUNT",
    "SERVER_VERSION_NAME",
    "SERVER_VERSION_NUM",
    "SERVICE",
    "SERVICEFILE",
    "SHELL_ERROR",
    "SHELL_EXIT_CODE",
    "SHOW_ALL_RESULTS",
    "SHOW_CONTEXT",
    "SINGLELINE",
    "SINGLESTEP",
    "SQLSTATE",
    "USER",
    "VERBOSITY",
    "VERSION",
    "VERSION_NAME",
    "VERSION_NUM",
    "WATCH_INTERVAL",
];

/// How many whole statements psql reads in the text. Comments between them are no statements.
///
/// Errors when psql would read anything else: a meta-command, a statement or comment without end, rows, one of psql's
/// own variables. A writer of scripts compares the number with the number of statements it wrote.
pub fn whole_statements(text: &[u8]) -> Result<usize> {
    let mut lexer = Lexer::new();
    lexer.push(Bytes::copy_from_slice(text));
    lexer.finish();
    let mut count = 0;
    while let Some(piece) = lexer.cut()? {
        match piece {
            Piece::Gap(_) => {}
            Piece::Statement(statement) if !statement.rows_follow => {
                if let Some(name) = variable(&statement.text) {
                    return Err(Error::failed(format!(
                        "psql would replace its variable :{name} in the text"
                    )));
                }
                count += 1;
            }
            other => return Err(unexpected(&other)),
        }
    }
    Ok(count)
}

/// Checks that psql reads the text as what stands before rows: comments, and one `COPY ... FROM stdin`.
///
/// # Errors
/// Anything else in it, or nothing.
pub fn opens_rows(text: &[u8]) -> Result<()> {
    let mut lexer = Lexer::new();
    lexer.push([text, b"\\.\n"].concat().into());
    lexer.finish();
    let (mut opened, mut ended) = (false, false);
    while let Some(piece) = lexer.cut()? {
        match piece {
            Piece::Gap(_) => {}
            Piece::Statement(statement) if statement.rows_follow && !opened => opened = true,
            Piece::EndOfRows(_) if opened => ended = true,
            other => return Err(unexpected(&other)),
        }
    }
    if ended {
        return Ok(());
    }
    Err(Error::failed("psql would not read rows after this"))
}

fn unexpected(piece: &Piece) -> Error {
    let start = &piece.bytes()[..piece.bytes().len().min(60)];
    let start = start.escape_ascii().to_string();
    Error::failed(format!(
        "psql would not read \"{start}\" as the statement it is meant to be"
    ))
}

/// The first variable in the statement that psql sets by itself.
fn variable(statement: &[u8]) -> Option<&str> {
    let mut scanner = Scanner::new();
    scanner.variables = Some(Vec::new());
    scanner.scan(statement, 0, true);
    scanner.variables?.into_iter().find_map(|(start, end)| {
        let name = std::str::from_utf8(&statement[start..end]).ok()?;
        // `:{?name}` is replaced by TRUE or FALSE whatever the name.
        (statement[start - 1] == b'?' || PSQL_VARIABLES.binary_search(&name).is_ok()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_sorted_for_binary_search() {
        assert!(PSQL_VARIABLES.is_sorted());
    }

    #[test]
    fn whole_statements_are_counted() {
        for (text, count) in [
            ("", 0),
            ("-- nothing\n", 0),
            ("SELECT 1;", 1),
            ("SELECT ';' /* ; */;\n-- x;\nSELECT 2;\n", 2),
            ("SELECT a[1:n], b::text, c[:x] FROM t;", 1),
            ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2; END;", 1),
        ] {
            assert_eq!(whole_statements(text.as_bytes()).unwrap(), count, "{text}");
        }
    }

    #[test]
    fn rows_follow_one_copy_and_nothing_else() {
        for text in [
            "COPY t (a) FROM stdin;\n",
            "--\n-- x\n--\n\nCOPY \"a\nb\" (\"\\\\.\") FROM stdin;\n",
        ] {
            opens_rows(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        }
        for text in [
            "",
            "-- x\n",
            "SELECT 1;\nCOPY t FROM stdin;\n",
            "COPY t FROM stdin;\n1\n",
            "COPY t FROM stdin; SELECT 1;\n",
            "\\! id\nCOPY t FROM stdin;\n",
            "COPY t FROM stdin",
            "COPY t TO stdout;\n",
        ] {
            assert!(opens_rows(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_psql_would_not_send_is_an_error() {
        for text in [
            "SELECT 1",
            "SELECT 'x;",
            "COMMENT ON TABLE x IS 'a'; \\! id",
            "SELECT 1 \\gexec",
            "COPY t FROM stdin;\n\\.\n",
            "SELECT a[1:\"USER\"] FROM t;",
            "SELECT :{?nothing};",
            "/* open",
        ] {
            assert!(whole_statements(text.as_bytes()).is_err(), "{text}");
        }
    }
}
