//! Databases without an encoding: names, comments and bodies in any bytes go through every verb.

use std::path::{Path, PathBuf};

use crate::support::{self, Cluster, Db, Done, pgstow, run};

const SQL_ASCII: &str = "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";

/// `größe` in LATIN1, and tables that differ by such a byte alone.
const SOURCE: &str = r#"
SET client_encoding = 'SQL_ASCII';
SELECT convert_from('\x6772f6df65', 'SQL_ASCII') AS size, convert_from('\x6772e4df65', 'SQL_ASCII') AS other \gset
CREATE TABLE :"size" (:"size" text DEFAULT :'size', id int PRIMARY KEY);
INSERT INTO :"size" SELECT :'size', i FROM generate_series(1, 1000) i;
COMMENT ON TABLE :"size" IS :'other';
CREATE TABLE :"other" (id serial PRIMARY KEY);
INSERT INTO :"other" SELECT FROM generate_series(1, 10);
SET check_function_bodies = off;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS :'size';
SELECT format('CREATE TABLE %I (a int)', :'other' || i) FROM generate_series(1, 520) i \gexec
"#;

fn source<'c>(server: &'c Cluster, name: &str) -> Db<'c> {
    let db = server.database_with(name, SQL_ASCII);
    db.execute(SOURCE);
    db
}

fn dump(db: &Db, file: &Path, more: &[&str]) -> Done {
    run(pgstow()
        .args(["dump", "--dbname", &db.uri(), "-f"])
        .arg(file)
        .args(more))
}

/// What pg_dump writes, whose key differs from run to run.
fn described(db: &Db) -> Vec<u8> {
    let output = db.pg_dump().arg("--restrict-key=x").output().unwrap();
    assert!(output.status.success(), "{}", Done::from(output));
    output.stdout
}

fn assert_same(a: &Db, b: &Db) {
    let (one, two) = (described(a), described(b));
    assert!(
        one == two,
        "{}\nis not\n{}",
        String::from_utf8_lossy(&one),
        String::from_utf8_lossy(&two)
    );
}

/// The oldest and the newest major under test.
fn ends() -> Vec<u32> {
    let mut ends = vec![support::majors()[0], support::newest()];
    ends.dedup();
    ends
}

fn unzipped(file: &Path) -> Vec<u8> {
    let output = std::process::Command::new("gunzip")
        .arg("-c")
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_dump_of_any_bytes_is_the_same_by_one_connection_and_by_four_and_comes_back() {
    for major in ends() {
        let server = support::server(major);
        let db = source(server, "bytes_source");
        let dir = tempfile::tempdir().unwrap();
        let (one, four) = (dir.path().join("1.sql.gz"), dir.path().join("4.sql.gz"));
        dump(&db, &one, &["--jobs", "1"]).ok();
        dump(&db, &four, &["--jobs", "4"]).ok();
        let text = unzipped(&one);
        let has = |bytes: &[u8]| text.windows(bytes.len()).any(|w| w == bytes);
        assert!(has(b"SET client_encoding = 'SQL_ASCII';"));
        assert!(has(
            b"COPY public.\"gr\xf6\xdfe\" (\"gr\xf6\xdfe\", id) FROM stdin;"
        ));
        assert!(has(b"COMMENT ON TABLE public.\"gr\xf6\xdfe\" IS 'gr\xe4\xdfe';"));
        let line = |text: &[u8]| -> Vec<Vec<u8>> {
            text.split(|&b| b == b'\n')
                .filter(|line| !line.starts_with(b"-- "))
                .map(<[u8]>::to_vec)
                .collect()
        };
        assert!(line(&text) == line(&unzipped(&four)), "--jobs changes the text");

        for (name, more) in [
            ("bytes_one", &["--jobs", "1"][..]),
            ("bytes_two", &["--jobs", "2"]),
        ] {
            let copy = server.database_with(name, SQL_ASCII);
            run(pgstow()
                .args(["restore", "--yes", "--dbname", &copy.uri()])
                .args(more)
                .arg(&four))
            .ok();
            assert_same(&db, &copy);
        }
        let inserts = dir.path().join("inserts.sql");
        dump(&db, &inserts, &["--column-inserts"]).ok();
        let copy = server.database_with("bytes_inserts", SQL_ASCII);
        run(copy
            .psql()
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&inserts))
        .ok();
        assert_same(&db, &copy);
    }
}

struct Ground {
    _dir: tempfile::TempDir,
    file: PathBuf,
}

fn dumped(db: &Db) -> Ground {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    dump(db, &file, &["--clean", "--if-exists"]).ok();
    Ground { _dir: dir, file }
}

#[test]
fn a_dump_of_any_bytes_is_listed_verified_compared_and_restored_in_part() {
    let server = support::server(support::newest());
    let db = source(server, "bytes_verbs");
    let ground = dumped(&db);
    let file = &ground.file;
    let listed = run(pgstow().arg("list").arg(file)).ok();
    assert!(
        listed.stdout.contains("gr\\xf6\\xdfe") && listed.stdout.contains("gr\\xe4\\xdfe1"),
        "{listed}"
    );
    let verified = run(pgstow()
        .args(["verify", "--test-restore", "--dbname", &db.uri()])
        .arg(file));
    verified.ok();
    let compare = || run(pgstow().args(["compare", "--dbname", &db.uri()]).arg(file));
    compare().ok();
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .arg(file))
    .ok();
    compare().ok();

    // A part, by a pattern: names that the keyboard has.
    let part = server.database_with("bytes_part", SQL_ASCII);
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &part.uri(), "--table", "gr*e"])
        .arg(file))
    .ok();
    let names = "SELECT string_agg(encode(relname::text::bytea, 'escape'), ' ' ORDER BY relname) FROM pg_class \
                 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(part.query_text(names), "gr\\344\\337e gr\\366\\337e");

    // Rows, and a name that differs by one byte that is no UTF-8 either.
    db.execute(
        r#"SET client_encoding = 'SQL_ASCII';
        SELECT convert_from('\x6772f6df65', 'SQL_ASCII') AS size \gset
        DELETE FROM :"size" WHERE id = 7;"#,
    );
    let done = compare();
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stdout.contains("gr\\xf6\\xdfe"), "{done}");
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .arg(file))
    .ok();
    db.execute(r#"SET client_encoding = 'SQL_ASCII';
        SELECT convert_from('\x6772e4df65', 'SQL_ASCII') || '1' AS old, convert_from('\x6772e5df65', 'SQL_ASCII') || '1' AS new \gset
        ALTER TABLE :"old" RENAME TO :"new";"#);
    assert_eq!(compare().code, 1);
}

#[test]
fn a_script_said_to_be_utf_8_is_refused_where_the_bytes_are_not() {
    let server = support::server(support::newest());
    let db = source(server, "bytes_utf8");
    let dir = tempfile::tempdir().unwrap();
    let done = dump(&db, &dir.path().join("x.sql"), &["--encoding", "UTF8"]);
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("UTF8") && done.stderr.contains("--encoding"),
        "{done}"
    );
    // Whatever bytes there are, they are letters of LATIN1.
    let file = dir.path().join("latin1.sql");
    dump(&db, &file, &["--encoding", "LATIN1"]).ok();
    let text = std::fs::read(&file).unwrap();
    let utf8: String = text.iter().map(|&b| char::from(b)).collect();
    assert!(utf8.contains("SET client_encoding = 'LATIN1';") && utf8.contains("COPY public.\"größe\""));
}
