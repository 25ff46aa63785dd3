//! Proof that a backup restores, comparison with a live database, and restores beside it.

use std::path::Path;

use super::{gzip, load_shop, picture};
use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

fn dump(db: &Db, file: &Path) {
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(file)).ok();
}

fn verb(verb: &str, db: &Db, file: &Path, more: &[&str]) -> Done {
    run(pgstow().args([verb, "--dbname", &db.uri()]).args(more).arg(file))
}

/// Databases of the server that a restore made and should have dropped.
fn leftovers(db: &Db) -> String {
    let name = db.name().replace('_', "\\_");
    db.query_text(&format!(
        "SELECT count(*) FROM pg_database WHERE datname LIKE '{name}\\_%'"
    ))
}

#[test]
fn a_test_restore_proves_every_table_and_leaves_nothing_behind() {
    for server in support::servers() {
        let db = server.database("proof_test");
        load_shop(&db);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shop.sql.gz");
        dump(&db, &file);
        let before = picture(&db);
        let done = verb("verify", &db, &file, &["--test-restore"]).ok();
        assert!(done.stdout.contains("test restore took"), "{done}");
        assert!(
            done.stdout
                .contains("every row, sequence value, large object and definition proved"),
            "{done}"
        );
        assert_eq!(leftovers(&db), "0");
        assert!(picture(&db) == before, "the live database changed");
    }
}

/// Values of an enum hash to other partitions in another database.
#[test]
fn rows_that_move_between_partitions_are_no_difference() {
    for server in support::servers() {
        let db = server.database("proof_moving");
        db.execute(
            "CREATE TYPE size AS ENUM ('xs', 's', 'm', 'l', 'xl', 'xxl', 'tall', 'short', 'wide', 'slim');
             CREATE TABLE shirts (size size, id int) PARTITION BY HASH (size);
             SELECT format('CREATE TABLE shirts_%s PARTITION OF shirts FOR VALUES WITH (MODULUS 5, REMAINDER %s)', r, r)
             FROM generate_series(0, 4) r \\gexec
             INSERT INTO shirts SELECT size, id FROM unnest(enum_range(NULL::size)) size, generate_series(1, 100) id;",
        );
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shirts.sql.gz");
        dump(&db, &file);
        verb("compare", &db, &file, &[]).ok();
        verb("verify", &db, &file, &["--test-restore"]).ok();

        let copy = server.database("proof_moved");
        run(pgstow()
            .args(["restore", "--yes", "--dbname", &copy.uri()])
            .arg(&file))
        .ok();
        let done = verb("compare", &copy, &file, &[]).ok();
        assert!(done.stdout.starts_with("equal: 1,000 rows"), "{done}");
        assert_eq!(copy.query_text("SELECT count(*) FROM shirts"), "1000");
        copy.execute("DELETE FROM shirts WHERE size = 'm' AND id = 7");
        assert_eq!(verb("compare", &copy, &file, &[]).code, 1);
    }
}

#[test]
fn a_failing_test_restore_drops_its_database() {
    let server = support::server(support::newest());
    let db = server.database("proof_failing");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.sql.gz");
    std::fs::write(
        &file,
        gzip(b"CREATE TABLE t (a int);\nSELECT nonsense;\n-- PostgreSQL database dump complete\n"),
    )
    .unwrap();
    let done = verb("verify", &db, &file, &["--test-restore"]);
    assert_eq!(done.code, 3, "{done}");
    assert!(done.stderr.contains("line 2"), "{done}");
    assert_eq!(leftovers(&db), "0");
}

#[test]
fn compare_names_what_differs() {
    let server = support::server(support::newest());
    let db = server.database("proof_compare");
    load_shop(&db);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.sql.zst");
    dump(&db, &file);
    let done = verb("compare", &db, &file, &[]).ok();
    assert!(done.stdout.starts_with("equal: "), "{done}");

    db.execute(
        "UPDATE public.items SET payload = 'x' WHERE id = 17; DELETE FROM public.log WHERE what = 'x5';
         CREATE TABLE public.added (a int); DROP TABLE \"odd \"\"name\"\"\".\"T;1\";
         SELECT setval('public.items_id_seq', 77);",
    );
    let done = verb("compare", &db, &file, &["--json"]);
    assert_eq!(done.code, 1, "{done}");
    let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let names = |key: &str| -> Vec<String> {
        let items = json[key].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().or(item.as_str()).unwrap().to_string())
            .collect()
    };
    assert_eq!(names("tables_differ"), ["public.items", "public.log_2024"]);
    assert_eq!(names("tables_missing"), ["\"odd \"\"name\"\"\".\"T;1\""]);
    assert_eq!(names("tables_new"), ["public.added"]);
    assert_eq!(names("sequences_differ"), ["public.items_id_seq"]);
    assert!(
        names("definitions_new")
            .iter()
            .any(|text| text.starts_with("CREATE TABLE public.added")),
        "{done}"
    );
}

#[test]
fn a_dump_of_pg_dump_is_compared_row_by_row() {
    let server = support::server(support::newest());
    let db = server.database("proof_pg_dump");
    load_shop(&db);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.sql");
    // Unlike ours, its text depends on the role's settings.
    run(db
        .pg_dump()
        .env("PGOPTIONS", "-cbytea_output=hex")
        .arg("-f")
        .arg(&file))
    .ok();
    verb("compare", &db, &file, &[]).ok();
    db.execute("UPDATE public.items SET name = 'other' WHERE id = 5");
    let done = verb("compare", &db, &file, &[]);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stdout.contains("public.items"), "{done}");
    run(db.pg_dump().arg("--inserts").arg("-f").arg(&file)).ok();
    let done = verb("compare", &db, &file, &[]);
    assert_ne!(done.code, 0, "INSERTs cannot be compared: {done}");
}

#[test]
fn a_swap_replaces_the_database_and_keeps_the_old_one() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database_named("app");
    load_shop(&db);
    db.execute(
        "ALTER DATABASE app SET work_mem = '7MB'; ALTER DATABASE app SET search_path = \"odd \"\"name\"\"\", public;
         COMMENT ON DATABASE app IS 'it''s ours'; CREATE ROLE reader; GRANT CONNECT ON DATABASE app TO reader;
         REVOKE TEMPORARY ON DATABASE app FROM PUBLIC; ALTER DATABASE app CONNECTION LIMIT 50;
         CREATE ROLE mallory; SET ROLE mallory;
         SELECT set_config('search_path', 'public;ALTER/**/ROLE/**/mallory/**/SUPERUSER;--', false);
         ALTER ROLE mallory IN DATABASE app SET search_path FROM CURRENT; RESET ROLE;",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.sql.gz");
    dump(&db, &file);
    let want = picture(&db);
    let properties =
        "SELECT (SELECT array_agg(s::text ORDER BY s) FROM pg_db_role_setting r, unnest(setconfig) s
            WHERE setdatabase = d.oid AND setrole = 0), (SELECT array_agg(x ORDER BY x) FROM unnest(datacl::text[]) x),
        datconnlimit, shobj_description(oid, 'pg_database') FROM pg_database d WHERE datname = 'app'";
    let wanted_properties = db.query_text(properties);
    db.execute("DELETE FROM public.log; CREATE TABLE public.later (a int);");
    let changed = picture(&db);

    let done = verb("restore", &db, &file, &["--swap", "--yes"]).ok();
    // The exchange waits for those it has to end, and here there is nobody.
    let log = cluster.log();
    assert!(
        !log.contains("terminating connection due to administrator command"),
        "{log}"
    );
    assert!(
        picture(&db) == want,
        "the new database is not what the backup says"
    );
    assert_eq!(db.query_text(properties), wanted_properties);
    let mallory = "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'";
    assert_eq!(
        db.query_text(mallory),
        "f",
        "a role's setting was run as a statement"
    );
    let before = db.query_text("SELECT datname FROM pg_database WHERE datname LIKE 'app\\_before\\_%'");
    assert!(done.stderr.contains(&before), "{done}");
    let kept = run(db
        .psql()
        .env("PGDATABASE", &before)
        .args(["-Atc", "SELECT count(*) FROM public.later"]))
    .ok();
    assert_eq!(kept.stdout.trim(), "0");

    // A failure leaves everything as it is, and no database behind.
    let bad = dir.path().join("bad.sql");
    std::fs::write(&bad, "CREATE TABLE t (a int);\nSELECT nonsense;\n").unwrap();
    let done = verb("restore", &db, &bad, &["--swap", "--yes"]);
    assert_eq!(done.code, 3, "{done}");
    assert!(picture(&db) == want && want != changed);
    assert_eq!(
        db.query_text("SELECT count(*) FROM pg_database WHERE datname LIKE 'app\\_%'"),
        "1"
    );
}

#[test]
fn a_restore_beside_makes_its_database_or_leaves_none() {
    let server = support::server(support::newest());
    let db = server.database("proof_beside");
    load_shop(&db);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shop.sql.gz");
    dump(&db, &file);
    let beside = format!("{}_copy", db.name());
    verb("restore", &db, &file, &["--yes", "--target-db", &beside]).ok();
    let count = run(db
        .psql()
        .env("PGDATABASE", &beside)
        .args(["-Atc", "SELECT count(*) FROM public.items"]))
    .ok();
    assert_eq!(count.stdout.trim(), "3003");
    let done = verb("restore", &db, &file, &["--yes", "--target-db", &beside]);
    assert_eq!(done.code, 2, "{done}");
    run(db.psql().args(["-c", &format!("DROP DATABASE {beside}")])).ok();
    let bad = dir.path().join("bad.sql");
    std::fs::write(&bad, "SELECT nonsense;\n").unwrap();
    assert_eq!(
        verb("restore", &db, &bad, &["--yes", "--target-db", &beside]).code,
        3
    );
    assert_eq!(leftovers(&db), "0");
}
