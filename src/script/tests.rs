//! What the lexer must cut, and must not.

use proptest::prelude::*;

use super::*;

/// All pieces, the script being pushed in blocks of this size; the error, if it ended in one.
fn cut_all(script: &[u8], block: usize) -> (Vec<Piece>, Option<Error>) {
    let mut lexer = Lexer::new();
    let mut pieces = Vec::new();
    for block in script.chunks(block.max(1)).map(Some).chain([None]) {
        match block {
            Some(block) => lexer.push(Bytes::copy_from_slice(block)),
            None => lexer.finish(),
        }
        loop {
            match lexer.cut() {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break,
                Err(error) => return (pieces, Some(error)),
            }
        }
    }
    assert_eq!(lexer.text.len(), 0, "something was not handed out");
    (pieces, None)
}

fn statements(script: &str) -> Vec<String> {
    let (pieces, error) = cut_all(script.as_bytes(), usize::MAX);
    assert!(error.is_none(), "{script}: {error:?}");
    let text = |piece| match piece {
        Piece::Statement(s) => Some(String::from_utf8(s.text.to_vec()).unwrap()),
        _ => None,
    };
    pieces.into_iter().filter_map(text).collect()
}

#[test]
fn a_statement_is_not_cut_at_a_semicolon_within() {
    for statement in [
        "SELECT ';';",
        "SELECT 'it''s;';",
        "SELECT E'\\';', ';';",
        "SELECT U&'\\0061;' || u&\"d!0061;\" UESCAPE '!';",
        "SELECT \"a;\"\"b;\";",
        "SELECT b'1;', x'f;', n';';",
        "SELECT $$;$$, $a$;$$;$b$;$a$;",
        "SELECT $größe$;$größe$;",
        "SELECT a$b$;",
        "SELECT 1 /* ; /* ; */ ; */ + 1;",
        "SELECT 1 -- ;\n;",
        "SELECT 1 -- '\n;",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT (2); );",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END;",
        "create or replace procedure \"p\"() begin atomic insert into t values (1); end;",
        "SELECT E'a\nb\\n;';",
        "SELECT 1 +-- ;\n 2;",
        "SELECT 1*/* ; */2;",
        "SELECT '\\';",
        "SELECT $1;",
        ";",
    ] {
        assert_eq!(statements(statement), [statement]);
        let twice = format!("{statement}\n  {statement}");
        assert_eq!(statements(&twice), [statement, statement]);
    }
}

#[test]
fn begin_and_end_elsewhere_are_ordinary_words() {
    assert_eq!(statements("BEGIN;CREATE TABLE begin (a int);END;").len(), 3);
    assert_eq!(
        statements("CREATE FUNCTION f(a int[]) BEGIN ATOMIC SELECT a[1:begin]; END;SELECT 1;").len(),
        2
    );
    assert_eq!(
        statements("CREATE FUNCTION f() AS $$ begin; $$;SELECT 1;").len(),
        2
    );
}

#[test]
fn a_backslash_in_a_string_follows_standard_conforming_strings() {
    let off = "SET standard_conforming_strings = off;SELECT 'a\\';';SET standard_conforming_strings TO on;SELECT '\\';";
    assert_eq!(statements(off).len(), 4);
    let mut lexer = Lexer::new().standard_conforming_strings(false);
    lexer.push(Bytes::from_static(b"SELECT 'a\\';';"));
    let piece = lexer.cut().unwrap().unwrap();
    assert_eq!(piece.bytes().len(), 14);
}

#[test]
fn a_letter_whose_second_byte_is_a_backslash_escapes_nothing() {
    // The katakana SO in SJIS is 83 5c.
    let script =
        b"SET client_encoding = 'Shift_JIS';SELECT E'\\t\x83\x5c';SELECT E'\\\x83\x5c', E'\x83\x5c\\\\'';';\
        SET client_encoding = 'UTF8';SELECT E'\\';';";
    for block in [1, 2, 3, 1000] {
        let (pieces, error) = cut_all(script, block);
        assert!(error.is_none(), "{error:?}");
        let lengths: Vec<usize> = pieces
            .iter()
            .filter(|p| matches!(p, Piece::Statement(_)))
            .map(|p| p.bytes().len())
            .collect();
        assert_eq!(lengths, [34, 15, 26, 29, 14], "blocks of {block}");
    }
}

#[test]
fn rows_go_through_untouched() {
    let script = "COPY public.t (a, \"from\") FROM stdin;\n1\t;\\\\.\n\\N\t'\n\\.\nSELECT 1;\n";
    let (pieces, error) = cut_all(script.as_bytes(), 7);
    assert!(error.is_none(), "{error:?}");
    let rows: Vec<u8> = pieces
        .iter()
        .filter(|p| matches!(p, Piece::Rows(_)))
        .flat_map(|p| p.bytes().to_vec())
        .collect();
    assert_eq!(rows, b"1\t;\\\\.\n\\N\t'\n");
    let Some(Piece::Statement(last)) = pieces.iter().rfind(|p| matches!(p, Piece::Statement(_))) else {
        panic!("no statement")
    };
    assert_eq!((&last.text[..], last.line), (&b"SELECT 1;"[..], 5));
}

#[test]
fn only_copy_from_stdin_is_followed_by_rows() {
    for (statement, rows_follow) in [
        ("COPY t FROM stdin;", true),
        ("copy /* x */ t (a,b) from STDIN with (format csv);", true),
        ("COPY t FROM 'stdin';", false),
        ("COPY stdin FROM '/x';", false),
        ("COPY t FROM '/x' WHERE a IS DISTINCT FROM stdin;", false),
        ("COPY (SELECT 1 FROM stdin) TO stdout;", false),
        ("COMMENT ON TABLE t IS 'COPY t FROM stdin';", false),
    ] {
        let (pieces, _) = cut_all(statement.as_bytes(), 1000);
        let Some(Piece::Statement(s)) = pieces.first() else {
            panic!("no statement in {statement}")
        };
        assert_eq!(s.rows_follow, rows_follow, "{statement}");
    }
}

#[test]
fn a_truncated_script_is_told_as_such() {
    for script in [
        "SELECT 1",
        "SELECT 'a;",
        "SELECT $$a;$",
        "COPY t FROM stdin;\n1\n",
        "COPY t FROM stdin;",
        "/* a ",
        "--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n",
    ] {
        let (_, error) = cut_all(script.as_bytes(), 1000);
        assert_eq!(error.map(|e| e.kind()), Some(Kind::Damaged), "{script}");
    }
    let whole = "-- PostgreSQL database dump\r\nSELECT 1;\n-- PostgreSQL database dump complete";
    assert_eq!(statements(whole).len(), 1);
}

#[test]
fn meta_commands_are_found_and_refused() {
    for (script, line, name) in [
        ("SELECT 1;\n\n  \\! id\n", 3, "\\!"),
        ("SELECT 1\n\\g |sh\n", 2, "\\g"),
        ("-- x\r\\i y\n", 1, "\\i"),
        ("\\restrict k\n\\connect x\n", 2, "\\connect"),
        ("\\restrict k\n\\unrestrict j\n", 2, "\\unrestrict"),
        ("SELECT 1\\; SELECT 2;", 1, "\\;"),
    ] {
        let (_, error) = cut_all(script.as_bytes(), 3);
        let error = error.expect(script);
        assert_eq!(error.kind(), Kind::Script);
        assert!(error.message().starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn a_dump_that_is_no_script_is_told_as_such() {
    for archive in [&b"PGDMP\x01\x0e\0\x04"[..], b"toc.dat\0\0\0\0\0"] {
        let (_, error) = cut_all(archive, 4);
        assert!(error.unwrap().hint_text().unwrap().contains("pg_restore"));
    }
}

fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        3 => prop::sample::select(vec![
            "'", "''", "\"", "\\", "$", "$$", "$a$", "$b", "a", "E'", "u&'", "U&\"", "b'", "n'", "x'", "--", "-", "/*",
            "*/", "/", "*", "\n", "\r", "\r\n", " ", ";", "(", ")", "begin", " end ", " case ", "create function f ",
            "create or replace procedure ", "copy t from stdin", ";\n", "\n\\.\n", "\\.", ":", "::", ":'a'", ":{?a}", ":b",
            "1", "1.5e+3", ".", "..", "set standard_conforming_strings=off;", "\\restrict k\n", "\u{feff}", "é",
            "-- PostgreSQL database dump\n",
        ]).prop_map(|s| s.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_cut_joins_again_and_does_not_depend_on_the_blocks(script in fragments(), block in 1usize..9) {
        let (whole, error) = cut_all(&script, usize::MAX);
        let joined: Vec<u8> = whole.iter().flat_map(|p| p.bytes().to_vec()).collect();
        prop_assert!(script.starts_with(&joined));
        prop_assert!(error.is_some() || joined == script);
        let (parts, error_of_parts) = cut_all(&script, block);
        let exact = |pieces: &[Piece]| -> Vec<Piece> {
            pieces.iter().filter(|p| matches!(p, Piece::Statement(_) | Piece::Meta(_))).cloned().collect()
        };
        prop_assert_eq!(exact(&whole), exact(&parts));
        let whole_is_error = error.is_some();
        prop_assert_eq!(error.map(|e| e.to_string()), error_of_parts.map(|e| e.to_string()));
        let joined_parts: Vec<u8> = parts.iter().flat_map(|p| p.bytes().to_vec()).collect();
        prop_assert!(script.starts_with(&joined_parts));
        prop_assert!(whole_is_error || joined_parts == script);
    }
}
