//! Scripts of pg_dump and pg_dumpall, whatever their version and options, however they are compressed or encoded.

use super::{dump, gzip, load_all, picture, restore, restore_text};
use crate::support::{self, Cluster, Setup, pgstow, run};

const ALL_OPTIONS: &[&[&str]] = &[
    &[],
    &["--inserts"],
    &["--column-inserts", "--no-owner"],
    &["--rows-per-insert=100"],
    &["--clean", "--if-exists", "--no-owner", "--no-privileges"],
    &["--clean", "--if-exists"],
    &["--disable-triggers"],
    &["--quote-all-identifiers"],
    &["--encoding=LATIN1"],
    &[
        "--encoding=UTF8",
        "--section=pre-data",
        "--section=data",
        "--section=post-data",
    ],
];

#[test]
fn a_dump_of_pg_dump_comes_back_whatever_its_major_and_options() {
    let own = support::CLIENT_MAJORS.map(|major| (major, major, ALL_OPTIONS));
    let of_older = [
        (18, 17),
        (18, 16),
        (18, 15),
        (18, 14),
        (18, 13),
        (17, 14),
        (15, 13),
    ]
    .map(|(program, server)| (program, server, &ALL_OPTIONS[..1]));
    for (program, server, all) in own.into_iter().chain(of_older) {
        if !support::majors().contains(&server) {
            continue;
        }
        let server = support::server(server);
        let source = server.database("restore_source");
        load_all(&source);
        let want = picture(&source);
        let dir = tempfile::tempdir().unwrap();
        for args in all {
            let what = format!("pg_dump {program} of {}, {args:?}", server.major());
            let mut pg_dump = support::pg_dump_of(program);
            source.env(&mut pg_dump);
            let file = dump(pg_dump, args, dir.path());
            let target = server.database("restore_target");
            restore(&target, &file).ok();
            assert!(picture(&target) == want, "{what}: differs");
            // Older ones drop the indexes of partitions by themselves, which no server allows; psql fails there too.
            if args.contains(&"--clean") && program >= 17 {
                restore(&target, &file).ok();
                assert!(picture(&target) == want, "{what}: differs the second time");
            }
        }
    }
}

#[test]
fn gzip_zstd_plain_and_standard_input_are_read_alike() {
    let server = support::server(support::newest());
    let source = server.database("restore_source");
    load_all(&source);
    let want = picture(&source);
    let script = run(&mut source.pg_dump()).ok().stdout.into_bytes();
    let middle = script.len() / 2;
    let forms = [
        ("plain", script.clone()),
        ("gzip", gzip(&script)),
        (
            "two gzip members",
            [gzip(&script[..middle]), gzip(&script[middle..])].concat(),
        ),
        ("zstd", zstd::encode_all(&script[..], 3).unwrap()),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (what, bytes) in forms {
        let file = dir.path().join("file");
        std::fs::write(&file, &bytes).unwrap();
        let target = server.database("restore_target");
        restore(&target, &file).ok();
        assert!(picture(&target) == want, "{what} differs");
        let target = server.database("restore_target");
        restore_text(&target, &bytes).ok();
        assert!(picture(&target) == want, "{what} from standard input differs");
    }
}

#[test]
fn scripts_in_other_encodings_keep_their_letters() {
    let server = support::server(support::newest());
    let utf8 = server.database("restore_utf8");
    let latin1 = b"SET client_encoding = 'LATIN1';\nCREATE TABLE public.\"gr\xf6\xdfe\" (a text DEFAULT '\xe9');\n\
        COPY public.\"gr\xf6\xdfe\" (a) FROM stdin;\n\xfcber\n\\.\nCOMMENT ON TABLE public.\"gr\xf6\xdfe\" IS '\xe4';\n";
    restore_text(&utf8, latin1).ok();
    assert_eq!(
        utf8.query_text("SELECT a, obj_description('größe'::regclass) FROM größe"),
        "über|ä"
    );

    let one = server.database_with(
        "restore_latin1",
        "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    restore_text(&one, latin1).ok();
    let letters = "SELECT ascii(relname::text COLLATE \"C\"), ascii(substr(relname, 3)), ascii(obj_description(oid)) \
        FROM pg_class WHERE relname LIKE 'gr%'";
    assert_eq!(one.query_text(letters), "103|246|228");

    // As psql reads it: in the database's own encoding, if the script does not say.
    let two = server.database_with(
        "restore_latin1",
        "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    );
    restore_text(&two, b"CREATE TABLE public.t AS SELECT '\xe9'::text AS a;\n").ok();
    assert_eq!(two.query_text("SELECT ascii(a) FROM t"), "233");

    let ascii = server.database_with(
        "restore_ascii",
        "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    );
    ascii.execute("CREATE TABLE public.t (a text); INSERT INTO t VALUES (E'\\xff\\xe9'); COMMENT ON TABLE t IS E'\\xfe';");
    let copy = server.database_with(
        "restore_ascii",
        "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    run(ascii.pg_dump().arg("-f").arg(file.path())).ok();
    restore(&copy, file.path()).ok();
    assert_eq!(
        copy.query_text("SELECT a = E'\\xff\\xe9', obj_description('t'::regclass) = E'\\xfe' FROM t"),
        "t|t"
    );

    let done = restore_text(
        &utf8,
        b"SET client_encoding = 'UTF8';\nCREATE TABLE x (a int);\nSELECT '\xe9';\n",
    );
    assert_eq!(done.code, 3, "{done}");
    assert!(
        done.stderr.contains("line 3") && done.stderr.contains("invalid byte sequence"),
        "{done}"
    );
}

#[test]
fn letters_of_encodings_that_only_clients_have_come_back() {
    let server = support::server(support::newest());
    let source = server.database("restore_sjis");
    // In SJIS the second byte of these letters is a backslash; so is the yen sign of old.
    source.execute(
        "CREATE TABLE \"表ソ\" (a text DEFAULT E'ソ\\\\', b text);
         INSERT INTO \"表ソ\" VALUES ('ソ', '表\\'), (E'能\\\\.', E'\\\\.'), ('ソ\\.', 'ソ');
         COMMENT ON TABLE \"表ソ\" IS E'予\\\\ソ';
         CREATE FUNCTION \"ソ\"() RETURNS text LANGUAGE sql AS $$ SELECT 'ソ; \\'::text $$;",
    );
    let dir = tempfile::tempdir().unwrap();
    let want = picture(&source);
    for encoding in ["SJIS", "EUC_JP", "UTF8"] {
        for more in [&[][..], &["--column-inserts"]] {
            let encoding = format!("--encoding={encoding}");
            let args = [&[&*encoding], more].concat();
            let file = dump(source.pg_dump(), &args, dir.path());
            let target = server.database("restore_sjis");
            restore(&target, &file).ok();
            assert!(picture(&target) == want, "{encoding} {more:?}");
        }
    }
    let chinese = server.database("restore_gbk");
    chinese.execute(
        "CREATE TABLE t (a text); INSERT INTO t VALUES (E'誠\\\\'), ('誠'); COMMENT ON TABLE t IS E'\\\\誠';",
    );
    for encoding in ["GBK", "BIG5", "GB18030"] {
        let file = dump(
            chinese.pg_dump(),
            &[&format!("--encoding={encoding}")],
            dir.path(),
        );
        let target = server.database("restore_gbk");
        restore(&target, &file).ok();
        assert!(picture(&target) == picture(&chinese), "{encoding}");
    }
}

#[test]
fn the_dump_of_a_whole_server_is_followed_into_its_databases() {
    for major in support::CLIENT_MAJORS {
        if support::majors().contains(&major) {
            whole_server(major);
        }
    }
}

fn whole_server(major: u32) {
    let from = Cluster::start(major, &Setup::default());
    let to = Cluster::start(major, &Setup::default());
    let (one, two) = (from.database_named("one"), from.database_named("Two \"2\""));
    load_all(&one);
    two.execute("CREATE ROLE \"the Owner\" LOGIN; CREATE TABLE t AS SELECT 1 AS a; ALTER TABLE t OWNER TO \"the Owner\";");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.sql");
    let dump = |options: &[&str]| {
        let mut dumpall = support::pg_dumpall_of(major);
        run(from
            .env(&mut dumpall, "postgres")
            .arg("--no-role-passwords")
            .args(options)
            .arg("-f")
            .arg(&file))
        .ok();
    };
    let postgres = to.postgres();
    let follow = |file: &std::path::Path| {
        run(pgstow()
            .args(["restore", "--create", "--yes", "--dbname", &postgres.uri()])
            .arg(file))
    };
    let compare = |what: &str| {
        for name in ["one", "Two \"2\""] {
            let describe = |cluster: &Cluster| {
                let mut pg_dump = support::pg_dump();
                cluster.env(&mut pg_dump, name);
                run(pg_dump.args(["--create", "--restrict-key=x"])).ok().stdout
            };
            assert!(
                describe(&from) == describe(&to),
                "{major}, {what}: {name} differs"
            );
        }
    };
    // With --clean into an empty server, then over what is there.
    dump(&["--clean", "--if-exists"]);
    for what in ["with --clean", "with --clean again"] {
        follow(&file).ok();
        compare(what);
    }
    for name in ["one", "Two \"\"2\"\""] {
        postgres.execute(&format!("DROP DATABASE \"{name}\""));
    }
    dump(&[]);
    let refused = restore(&postgres, &file);
    assert_eq!(refused.code, 3, "{refused}");
    assert!(refused.stderr.contains("--create"), "{refused}");
    follow(&file).ok();
    compare("without --clean");
    // One that fails in its last database leaves none that it made.
    let text = std::fs::read_to_string(&file).unwrap();
    for name in ["one", "Two \"\"2\"\""] {
        postgres.execute(&format!("DROP DATABASE \"{name}\""));
    }
    let at = text.rfind("-- PostgreSQL database dump complete").unwrap();
    let broken = format!("{}SELECT nonsense;\n{}", &text[..at], &text[at..]);
    std::fs::write(&file, broken).unwrap();
    let done = follow(&file);
    assert_eq!(done.code, 3, "{done}");
    assert!(
        done.stderr.contains("databases that it made are dropped"),
        "{done}"
    );
    let left = "SELECT count(*) FROM pg_database WHERE datname IN ('one', 'Two \"2\"')";
    assert_eq!(postgres.query_text(left), "0");
}

#[test]
fn a_dump_that_makes_its_database_is_followed() {
    for (program, server) in [(13, 13), (15, 15), (16, 16), (17, 17), (18, 13), (18, 18)] {
        if !support::majors().contains(&server) {
            continue;
        }
        let server = support::server(server);
        let source = server.database("restore_create");
        load_all(&source);
        let mut pg_dump = support::pg_dump_of(program);
        source.env(&mut pg_dump);
        let dir = tempfile::tempdir().unwrap();
        let file = dump(pg_dump, &["--create", "--clean", "--if-exists"], dir.path());
        if program > server.major() {
            // What pg_dump 18 writes for older servers is not SQL that they know.
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, text.replace(" LOCALE_PROVIDER = libc", "")).unwrap();
        }
        let want = picture(&source);
        source.execute("DROP TABLE public.log CASCADE");
        run(pgstow()
            .args([
                "restore",
                "--create",
                "--yes",
                "--dbname",
                &server.postgres().uri(),
            ])
            .arg(&file))
        .ok();
        assert!(
            picture(&source) == want,
            "pg_dump {program} of {}",
            server.major()
        );
    }
}
