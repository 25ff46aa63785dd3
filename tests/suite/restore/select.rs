//! Restoring a part of a backup.

use std::path::Path;
use std::process::Command;

use super::{load_shop, picture};
use crate::support::{self, Db, Done, pgstow, run};

fn restore(db: &Db, file: &Path, more: &[&str]) -> Done {
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .args(more)
        .arg(file))
}

fn rows(db: &Db, table: &str) -> String {
    db.query_text(&format!(
        "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {table} t"
    ))
}

/// A dump by pgstow, which has an index, and one by pg_dump, which has none.
fn dumps(db: &Db, dir: &Path) -> [std::path::PathBuf; 2] {
    let files = [dir.join("ours.sql.gz"), dir.join("theirs.sql")];
    run(pgstow()
        .args(["dump", "--dbname", &db.uri(), "-f"])
        .arg(&files[0]))
    .ok();
    run(db.pg_dump().arg("-f").arg(&files[1])).ok();
    files
}

#[test]
fn definitions_and_then_rows_make_the_whole() {
    let server = support::server(support::newest());
    let source = server.database("select_source");
    load_shop(&source);
    let want = picture(&source);
    let dir = tempfile::tempdir().unwrap();
    for file in dumps(&source, dir.path()) {
        let target = server.database("select_target");
        restore(&target, &file, &["--schema-only"]).ok();
        assert_eq!(
            target.query_text("SELECT count(*) FROM public.items"),
            "0",
            "{}",
            file.display()
        );
        // Rows before their references: the file's order has circles that only triggers switched off allow.
        target.execute("ALTER TABLE \"odd \"\"name\"\"\".\"T;1\" DISABLE TRIGGER ALL");
        restore(&target, &file, &["--data-only"]).ok();
        target.execute("ALTER TABLE \"odd \"\"name\"\"\".\"T;1\" ENABLE TRIGGER ALL");
        assert!(picture(&target) == want, "{} differs", file.display());
    }
}

#[test]
fn the_rows_of_one_table_come_back_alone() {
    let server = support::server(support::newest());
    let db = server.database("select_table");
    load_shop(&db);
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = dumps(&db, dir.path());
    let (log, items) = (rows(&db, "public.log"), rows(&db, "public.items"));
    for file in [&ours, &theirs] {
        for pattern in ["log_2024", "public.log*", "*.log_????"] {
            db.execute("TRUNCATE public.log; UPDATE public.items SET name = 'changed' WHERE id = 1");
            restore(&db, file, &["--data-only", "--table", pattern]).ok();
            assert_eq!(rows(&db, "public.log"), log, "{pattern} of {}", file.display());
            assert_ne!(rows(&db, "public.items"), items);
        }
    }
    let done = restore(&db, &ours, &["--data-only", "--table", "nothing.*"]);
    assert_eq!(done.code, 2, "{done}");
    assert!(done.stderr.contains("no table that matches"), "{done}");
}

#[test]
fn damage_within_the_wanted_table_is_told() {
    let server = support::server(support::newest());
    let db = server.database("select_damaged");
    db.execute("CREATE TABLE public.t AS SELECT i, md5(i::text) AS m FROM generate_series(1, 100000) i");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&file, bytes).unwrap();
    db.execute("TRUNCATE public.t");
    let done = restore(&db, &file, &["--data-only", "--table", "t"]);
    assert!(matches!(done.code, 3 | 4), "{done}");
    assert_eq!(db.query_text("SELECT count(*) FROM public.t"), "0");
}

/// A shop whose tables each have something that belongs to them.
fn load_belongings(db: &Db) {
    db.execute(
        "CREATE SCHEMA other;
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
         CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
         CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users, note text);
         CREATE INDEX orders_user ON orders (user_id);
         COMMENT ON INDEX orders_user IS 'by user';
         CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
         CREATE POLICY all_of_it ON orders USING (true);
         CREATE STATISTICS orders_statistics ON id, user_id FROM orders;
         CREATE TABLE other.lines (order_id int REFERENCES orders, what text);
         CREATE VIEW other.seen AS SELECT * FROM orders;
         INSERT INTO users (name) SELECT 'user ' || i FROM generate_series(1, 300) i;
         INSERT INTO orders (user_id, note) SELECT 1 + i % 300, md5(i::text) || md5((-i)::text) FROM generate_series(1, 60000) i;
         INSERT INTO other.lines SELECT i, md5(i::text) FROM generate_series(1, 60000) i;",
    );
}

#[test]
fn a_dropped_table_comes_back_with_what_belongs_to_it() {
    for server in support::servers() {
        let db = server.database("select_belongings");
        load_belongings(&db);
        let want = picture(&db);
        let dir = tempfile::tempdir().unwrap();
        for file in dumps(&db, dir.path()) {
            // Its view and the key that refers to it are other objects.
            db.execute("DROP VIEW other.seen; ALTER TABLE other.lines DROP CONSTRAINT lines_order_id_fkey; DROP TABLE orders;");
            restore(&db, &file, &["--table", "public.orders"]).ok();
            db.execute(
                "ALTER TABLE other.lines ADD CONSTRAINT lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders(id);
                 CREATE VIEW other.seen AS SELECT * FROM orders;",
            );
            let now = picture(&db);
            // The order of columns in a view's text is the server's own.
            assert!(now == want, "PostgreSQL {}, {}", server.major(), file.display());
        }
    }
}

#[test]
fn a_schema_or_all_but_a_table_comes_back_alone() {
    let server = support::server(support::newest());
    let source = server.database("select_schema");
    load_belongings(&source);
    let dir = tempfile::tempdir().unwrap();
    let relations = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind IN ('r', 'v', 'S') \
        AND relnamespace::regnamespace::text IN ('public', 'other')";
    for file in dumps(&source, dir.path()) {
        let target = server.database("select_schema_target");
        let done = restore(&target, &file, &["--schema", "other"]);
        // What it needs from other schemas is not brought, and the server says so.
        assert_eq!(done.code, 3, "{done}");
        assert!(done.stderr.contains("public.orders"), "{done}");
        assert_eq!(target.query_text(relations), "");
        restore(&target, &file, &["--schema", "public"]).ok();
        assert_eq!(
            target.query_text(relations),
            "orders orders_id_seq users users_id_seq"
        );
        assert_eq!(target.query_text("SELECT last_value FROM users_id_seq"), "300");

        let target = server.database("select_exclude_target");
        restore(
            &target,
            &file,
            &["--exclude-table", "lines", "--exclude-table", "other.s*"],
        )
        .ok();
        assert_eq!(
            target.query_text(relations),
            "orders orders_id_seq users users_id_seq"
        );
        assert_eq!(target.query_text("SELECT count(*) FROM orders"), "60000");

        let target = server.database("select_definition_target");
        // What the tables need is there: it is not brought.
        target.execute("CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'");
        restore(&target, &file, &["--schema-only", "-t", "users", "-t", "ORDERS"]).ok();
        assert_eq!(
            target.query_text(relations),
            "orders orders_id_seq users users_id_seq"
        );
        assert_eq!(target.query_text("SELECT count(*) FROM orders"), "0");
    }
}

#[test]
fn a_list_tells_everything_and_needs_no_server() {
    let server = support::server(support::newest());
    let db = server.database("select_list");
    load_belongings(&db);
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs] = dumps(&db, dir.path());
    let list = |file: &Path, more: &[&str]| {
        run(pgstow().args(["restore", "--list"]).args(more).arg(file))
            .ok()
            .stdout
    };
    let all = list(&ours, &[]);
    assert!(
        all.contains("COPY public.orders (id, user_id, note) FROM stdin; -- 60,000 rows, "),
        "{all}"
    );
    assert!(all.contains("CREATE VIEW other.seen"), "{all}");
    assert!(list(&theirs, &[]).contains("COPY public.orders (id, user_id, note) FROM stdin;"));
    let one = list(&ours, &["--table", "users"]);
    assert!(one.contains("users_pkey") && !one.contains("orders"), "{one}");
    // The line is the statement's in the script.
    let script = run(Command::new("gunzip").arg("-c").arg(&ours)).ok().stdout;
    let (line, text) = one.trim_start().split_once("  ").unwrap();
    let there = script.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
    assert!(
        text.starts_with(there.split_whitespace().next().unwrap()),
        "{line}: {there}"
    );
    let last = all.lines().last().unwrap().trim_start().split_once("  ").unwrap();
    let there = script.lines().nth(last.0.parse::<usize>().unwrap() - 1).unwrap();
    assert!(
        last.1.starts_with(there.split_whitespace().next().unwrap()),
        "{last:?}: {there}"
    );
    assert_eq!(list(&ours, &["--data-only", "-t", "users"]).lines().count(), 2);
}

#[test]
fn the_rows_of_other_tables_are_not_read() {
    let server = support::server(support::newest());
    let db = server.database("select_unread");
    load_belongings(&db);
    db.execute(
        "SELECT lo_from_bytea(0, decode(string_agg(md5(i::text), ''), 'hex')) FROM generate_series(1, 200000) i",
    );
    let dir = tempfile::tempdir().unwrap();
    for name in ["x.sql.gz", "x.sql.zst"] {
        let file = dir.path().join(name);
        run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
        // A hole where members of the others' rows are, but the last of each: whoever reads it fails.
        let json = run(pgstow().args(["list", "--json"]).arg(&file)).ok().stdout;
        assert!(json.contains("orders"), "{json}");
        let archive = pgstow::archive::Archive::open(&file).unwrap().unwrap();
        let index = archive.index().clone();
        let mut bytes = std::fs::read(&file).unwrap();
        let mut holes = 0;
        let tables = index.tables.iter().filter(|t| t.name != "users");
        for rows in tables.map(|t| &t.rows).chain(&index.large_objects) {
            let mut at = rows.offset as usize;
            let segments = &rows.segments;
            for (number, length) in segments.iter().enumerate() {
                // The first one may begin with statements.
                if number > 0 && number + 1 < segments.len() {
                    bytes[at..at + *length as usize].fill(0);
                    holes += length;
                }
                at += *length as usize;
            }
        }
        assert!(holes > 100_000, "only {holes} bytes of holes");
        std::fs::write(&file, bytes).unwrap();
        let target = server.database("select_unread_target");
        restore(&target, &file, &["--table", "users"]).ok();
        assert_eq!(target.query_text("SELECT count(*) FROM users"), "300");
        restore(
            &server.database("select_unread_target"),
            &file,
            &["--schema-only"],
        )
        .ok();
        let done = restore(&server.database("select_unread_target"), &file, &[]);
        assert!(matches!(done.code, 3 | 4), "{done}");
        // So many bytes are read for it, and no more.
        let wanted = pgstow::archive::Wanted {
            tables: index.tables.iter().map(|t| t.name == "users").collect(),
            large_objects: false,
        };
        let length = std::fs::metadata(&file).unwrap().len();
        let mut excerpt = pgstow::archive::Excerpt::new(archive, wanted, 1);
        while excerpt.part().unwrap().is_some() {}
        assert!(
            excerpt.read() <= length - holes,
            "{} of {length} bytes were read",
            excerpt.read()
        );
    }
}

/// A table whose partitions, one of them in another schema, are loaded through it.
fn load_partitions(db: &Db) {
    db.execute(
        "CREATE SCHEMA other;
         CREATE TABLE whole (a int, b text) PARTITION BY LIST (a);
         CREATE TABLE whole_1 (b text, a int);
         ALTER TABLE whole ATTACH PARTITION whole_1 FOR VALUES IN (1);
         CREATE TABLE other.whole_2 PARTITION OF whole FOR VALUES IN (2);
         CREATE INDEX ON whole (b);
         CREATE VIEW seen AS SELECT 1;
         INSERT INTO whole SELECT 1 + i % 2, md5(i::text) FROM generate_series(1, 2001) i;",
    );
}

#[test]
fn rows_that_are_loaded_through_a_partition_s_root_come_back_by_either_name() {
    let server = support::server(support::newest());
    let db = server.database("select_root");
    load_partitions(&db);
    let dir = tempfile::tempdir().unwrap();
    let [ours, theirs, inserts] =
        ["ours.sql.gz", "theirs.sql", "inserts.sql"].map(|name| dir.path().join(name));
    run(pgstow()
        .args(["dump", "--load-via-partition-root", "--dbname", &db.uri(), "-f"])
        .arg(&ours))
    .ok();
    for (file, how) in [
        (&theirs, "--load-via-partition-root"),
        (&inserts, "--column-inserts"),
    ] {
        run(db
            .pg_dump()
            .args(["--load-via-partition-root", how, "-f"])
            .arg(file))
        .ok();
    }
    let count = |db: &Db, table: &str| db.query_text(&format!("SELECT count(*) FROM {table}"));
    for file in [&ours, &theirs, &inserts] {
        let shown = file.display();
        // Rows alone, into what is there: by the partition's name, by the root's, from a pipe.
        for (pattern, want) in [("whole_1", "1000"), ("other.whole_2", "1001"), ("whole", "2001")] {
            db.execute("TRUNCATE whole");
            restore(&db, file, &["--data-only", "--table", pattern]).ok();
            assert_eq!(count(&db, "whole"), want, "--table {pattern} of {shown}");
        }
        if file.extension().is_some_and(|e| e == "sql") {
            db.execute("TRUNCATE whole");
            let text = std::fs::read(file).unwrap();
            let piped = |table: &str| {
                let args = [
                    "restore",
                    "--yes",
                    "--data-only",
                    "-t",
                    table,
                    "--dbname",
                    &db.uri(),
                    "-",
                ];
                support::run_with_input(pgstow().args(args), &text)
            };
            piped("whole_1").ok();
            assert_eq!(count(&db, "whole"), "1000", "{shown}");
            let done = piped("nothing");
            assert_eq!(done.code, 2, "{done}");
        }
        let done = restore(&db, file, &["--data-only", "--table", "seen"]);
        assert_eq!(done.code, 2, "a view has no rows: {done}");

        // Tables with their definitions: a partition alone is a table like any other.
        for (choice, want) in [
            (&["--table", "whole_1"][..], [Some("1000"), None, None]),
            (
                &["--table", "whole*", "-t", "other.*"],
                [Some("1000"), Some("1001"), Some("2001")],
            ),
            (
                &["--exclude-table", "other.*"],
                [Some("1000"), None, Some("1000")],
            ),
            (&["--exclude-table", "whole"], [Some("1000"), Some("1001"), None]),
            (&["--schema", "other"], [None, Some("1001"), None]),
            (
                &["--schema", "public", "-T", "whole_2"],
                [Some("1000"), None, Some("1000")],
            ),
        ] {
            let target = server.database("select_root_target");
            let whole = choice[0] == "--exclude-table" || choice.contains(&"other");
            if !whole {
                target.execute("CREATE SCHEMA other");
            }
            restore(&target, file, choice).ok();
            for (table, want) in ["public.whole_1", "other.whole_2", "public.whole"]
                .iter()
                .zip(want)
            {
                let there = target.query_text(&format!("SELECT to_regclass('{table}') IS NOT NULL"));
                assert_eq!(there == "t", want.is_some(), "{table} by {choice:?} of {shown}");
                if let Some(want) = want {
                    assert_eq!(count(&target, table), want, "{table} by {choice:?} of {shown}");
                }
            }
        }
        for choice in [["--table", "public.whole"], ["--schema", "public"]] {
            let done = restore(&server.database("select_root_target"), file, &choice);
            assert_eq!(done.code, 2, "{choice:?} of {shown}: {done}");
            assert!(done.stderr.contains("without its partitions"), "{done}");
        }
    }
    // Without the comments nobody knows whose rows they are.
    let text = std::fs::read_to_string(&theirs).unwrap();
    let bare: String = text
        .lines()
        .filter(|l| !l.starts_with("-- Data for"))
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(&theirs, bare).unwrap();
    let done = restore(
        &server.database("select_root_target"),
        &theirs,
        &["--table", "whole_1"],
    );
    assert_eq!(done.code, 2, "{done}");
    assert!(done.stderr.contains("nothing tells which of them are"), "{done}");
}
