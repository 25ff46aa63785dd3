//! What is wrong with a script is told with its place, and nothing has changed.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use super::{gunzip, gzip, load_all, picture, restore, restore_text};
use crate::support::{self, Done, pgstow, run};

#[test]
fn an_error_in_the_middle_is_told_whole_and_nothing_has_changed() {
    let server = support::server(support::newest());
    let db = server.database("restore_error");
    db.execute("CREATE TABLE t (a int CHECK (a < 100)); INSERT INTO t VALUES (1);");
    let before = picture(&db);
    let cases: &[(&str, &[&str])] = &[
        (
            "DROP TABLE t;\nCREATE TABLE u (a int);\n\nSELECT 1,\n  nonsense(2);\nSELECT 2;\n",
            &[
                "line 5: failed",
                "SELECT 1, nonsense(2);",
                "function nonsense(integer) does not exist",
                "42883",
                "HINT",
            ],
        ),
        (
            "DROP TABLE t;\nCREATE TABLE public.u (a int, b text);\nCOPY public.u (a, b) FROM stdin;\n1\tx\n2\ty\nz\tz\n4\tw\n\\.\n",
            &[
                "line 6: failed",
                "line 3 of the rows of COPY public.u",
                "invalid input syntax",
                "22P02",
                "CONTEXT",
            ],
        ),
        (
            "INSERT INTO t VALUES (2);\nCOPY t FROM stdin;\n3\n4\textra\n\\.\n",
            &["line 4: failed", "extra data after last expected column"],
        ),
        (
            "CREATE TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO d VALUES (1), (1);\nDROP TABLE t;\n",
            &[
                "failed, everything was rolled back: COMMIT",
                "duplicate key",
                "DETAIL",
            ],
        ),
        (
            "DELETE FROM t;\nCOMMIT;\nSELECT nonsense;\n",
            &["line 2: ", "all or nothing"],
        ),
        ("DELETE FROM t;\n\\! touch /tmp/never\n", &["line 2: ", "\\!"]),
        ("DELETE FROM t;\n\\copy t from 'x'\n", &["line 2: ", "\\copy"]),
        ("DELETE FROM t;\n\\connect other\n", &["line 2: ", "\"other\""]),
        ("DELETE FROM t;\nCREATE DATABASE x;\n", &["line 2: ", "--create"]),
        (
            "DELETE FROM t;\nVACUUM;\n",
            &["line 2: failed", "cannot run inside a transaction block"],
        ),
        (
            "DELETE FROM t;\nSELECT 'a\0b';\n",
            &["neither gzip nor zstd nor text"],
        ),
    ];
    for (script, expected) in cases {
        let done = restore_text(&db, script.as_bytes());
        assert!(
            done.code == 3 || (done.code == 4 && script.contains('\0')),
            "{script}\n{done}"
        );
        for part in *expected {
            assert!(
                done.stderr.contains(part),
                "{part:?} is missing for {script}\n{done}"
            );
        }
        assert_eq!(picture(&db), before, "{script}");
    }
    assert!(!Path::new("/tmp/never").exists());
}

#[test]
fn an_error_early_in_many_rows_ends_the_restore_early() {
    let server = support::server(support::newest());
    let db = server.database("restore_early");
    let mut child = pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri(), "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"CREATE TABLE public.t (a int);\nCOPY public.t FROM stdin;\nx\n")
        .unwrap();
    // Rows without end: only an error that is heard while rows are being sent ends this.
    let rows = "1\n".repeat(100_000);
    while stdin.write_all(rows.as_bytes()).is_ok() {}
    let done = Done::of(child);
    assert_eq!(done.code, 3, "{done}");
    assert!(done.stderr.contains("line 3: failed"), "{done}");
}

#[test]
fn a_truncated_or_damaged_file_leaves_the_database_as_it_was() {
    let server = support::server(support::newest());
    let source = server.database("restore_source");
    load_all(&source);
    let script = run(source.pg_dump().args(["--clean", "--if-exists"]))
        .ok()
        .stdout
        .into_bytes();
    let target = server.database("restore_damaged");
    target.execute(
        "CREATE TABLE public.items (id int, mine text); INSERT INTO public.items VALUES (1, 'keep me');",
    );
    let before = picture(&target);
    let check = |what: &str, bytes: &[u8]| {
        let done = restore_text(&target, bytes);
        assert_eq!(done.code, 4, "{what}: {done}");
        assert!(picture(&target) == before, "{what} changed the database");
    };
    let packed = gzip(&script);
    for part in [1, 2, 3] {
        check("truncated gzip", &packed[..packed.len() * part / 4]);
        check("truncated plain", &script[..script.len() * part / 4]);
    }
    let end = script.len() - b"-- PostgreSQL database dump complete\n--\n\n".len() - 100;
    let statement_end = script[..end].windows(3).rposition(|w| w == b";\n\n").unwrap() + 3;
    check("plain truncated between two statements", &script[..statement_end]);
    check("members missing", &gzip(&script[..statement_end]));
    for at in (20..packed.len()).step_by(packed.len() / 25) {
        let mut bytes = packed.clone();
        bytes[at] ^= 0x10;
        if gunzip(&bytes).is_some_and(|text| text == script) {
            // Such as one of the member's time, or one byte further back in a run of equal bytes.
            continue;
        }
        let done = restore_text(&target, &bytes);
        // A flipped bit may turn into an error of the server first, but never into success.
        assert!(matches!(done.code, 3 | 4), "byte {at}: {done}");
        assert!(picture(&target) == before, "byte {at} changed the database");
    }
    restore_text(&target, &packed).ok();
    assert!(picture(&target) == picture(&source));
}

#[test]
fn our_own_file_cut_anywhere_is_told_as_truncated() {
    let server = support::server(support::newest());
    let db = server.database("restore_cut");
    db.execute("CREATE TABLE public.t AS SELECT i AS a FROM generate_series(1, 50000) i; CREATE TABLE public.u AS TABLE public.t;");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dump.sql");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    let text = std::fs::read(&file).unwrap();
    let target = server.database("restore_cut_target");
    let before = picture(&target);
    // Where each statement ends, which is where nothing but the header tells that something is missing.
    let ends = memchr::memmem::find_iter(&text, b";\n\n").map(|at| at + 3);
    let cuts: Vec<usize> = ends
        .chain(memchr::memmem::find_iter(&text, b"\n\\.\n").map(|at| at + 4))
        .collect();
    assert!(cuts.len() > 8, "only {} cuts", cuts.len());
    for cut in cuts {
        for bytes in [text[..cut].to_vec(), gzip(&text[..cut])] {
            let done = restore_text(&target, &bytes);
            assert_eq!(done.code, 4, "cut at {cut}: {done}");
            assert!(done.stderr.contains("truncated"), "{done}");
        }
    }
    assert!(picture(&target) == before);
    restore_text(&target, &text).ok();
}

#[test]
fn what_is_no_script_is_refused() {
    let server = support::server(support::newest());
    let db = server.database("restore_refused");
    let dir = tempfile::tempdir().unwrap();
    let custom = dir.path().join("dump.custom");
    run(db.pg_dump().arg("-Fc").arg("-f").arg(&custom)).ok();
    for (file, parts) in [
        (custom.as_path(), &["custom format", "pg_restore"][..]),
        (dir.path(), &["is a directory, expected a file"]),
        (&dir.path().join("missing.sql.gz"), &["missing.sql.gz"]),
    ] {
        let done = restore(&db, file);
        assert_ne!(done.code, 0, "{done}");
        for part in parts {
            assert!(done.stderr.contains(part), "{part:?} is missing: {done}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_our_own_file_never_restores_something_else() {
    let server = support::server(support::newest());
    let source = server.database("restore_flip");
    source.execute(
        "CREATE TABLE t AS SELECT i, md5(i::text) AS m FROM generate_series(1, 150000) i;
         CREATE TABLE u AS SELECT i FROM generate_series(1, 100) i; SELECT lo_from_bytea(7, decode(repeat('00ff', 200000), 'hex'));
         CREATE INDEX ON t (i);",
    );
    let want = picture(&source);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow()
        .args(["dump", "--dbname", &source.uri(), "-f"])
        .arg(&file))
    .ok();
    let whole = std::fs::read(&file).unwrap();
    let target = server.database("restore_flip_target");
    let before = picture(&target);
    let end = whole.len() - 200;
    for at in (0..end).step_by(end / 24).chain((end..whole.len()).step_by(9)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x04;
        std::fs::write(&file, &bytes).unwrap();
        let done = restore(&target, &file);
        match done.code {
            // A bit that means nothing, such as one of a member's time.
            0 => {
                assert!(picture(&target) == want, "byte {at}: {done}");
                target.execute("DROP TABLE t, u; SELECT lo_unlink(7);");
            }
            3 | 4 => assert!(
                picture(&target) == before,
                "byte {at} changed the database: {done}"
            ),
            _ => panic!("byte {at}: {done}"),
        }
    }
    std::fs::write(&file, &whole).unwrap();
    restore(&target, &file).ok();
    assert!(picture(&target) == want);
}

#[test]
fn passwords_are_shown_neither_in_a_list_nor_in_an_error() {
    let server = support::server(support::newest());
    let db = server.database("errors_secrets");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql");
    for statement in [
        "ALTER ROLE nobody_at_all WITH LOGIN PASSWORD 'SCRAM-hush$1';",
        "CREATE USER MAPPING FOR nobody_at_all SERVER none OPTIONS (\"user\" 'a', password 'hush''1');",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hush' PUBLICATION p WITH (nonsense);",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE nobody_at_all PASSWORD ''hush'' '; END $$;",
    ] {
        std::fs::write(&file, format!("{statement}\n")).unwrap();
        let done = run(pgstow()
            .args(["restore", "--yes", "--dbname", &db.uri()])
            .arg(&file));
        assert_ne!(done.code, 0, "{done}");
        assert!(!done.stderr.contains("hush"), "{done}");
        let listed = run(pgstow().args(["restore", "--list"]).arg(&file)).ok();
        assert!(!listed.stdout.contains("hush"), "{listed}");
        assert!(listed.stdout.contains(&statement[..12]), "{listed}");
    }
}

/// A setting that only the server sees made makes it read a string's end where the reader does not.
#[test]
fn a_script_that_ends_the_transaction_after_all_is_no_success() {
    let server = support::server(support::newest());
    let db = server.database("restore_commits");
    let done = restore_text(
        &db,
        b"DO $$BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END$$;\n\
        CREATE TABLE public.t (a int);\n\
        SELECT 'a\\', $$'; COMMIT; --$$;\n",
    );
    assert_eq!(done.code, 3, "{done}");
    assert!(
        done.stderr
            .contains("line 3: the statement ended the restore's transaction"),
        "{done}"
    );
}
