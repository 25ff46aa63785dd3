//! What would make a restore fail is told before anything is changed.

use super::{picture, restore};
use crate::support::{self, Cluster, Db, Done, Setup, pgstow, run};

fn restore_with(db: &Db, file: &std::path::Path, more: &[&str]) -> Done {
    run(pgstow()
        .args(["restore", "--yes", "--dbname", &db.uri()])
        .args(more)
        .arg(file))
}

fn script(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn missing_extensions_are_told_at_once() {
    let server = support::server(support::newest());
    let db = server.database("preflight_extensions");
    let file = script(
        "CREATE TABLE t (a int);\nCREATE EXTENSION hstore;\nCREATE EXTENSION IF NOT EXISTS nope WITH SCHEMA \
        public;\nCREATE EXTENSION \"neither-this\";\n",
    );
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("extensions neither-this, nope"), "{done}");
}

#[test]
fn missing_roles_fail_are_skipped_or_created_as_told() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("preflight_roles");
    let before = picture(&db);
    let file = script(
        "CREATE TABLE public.t (a int);\nALTER TABLE public.t OWNER TO \"the \"\"owner\";\nCOPY public.t (a) FROM stdin;\n1\n\\.\n\
         GRANT SELECT ON TABLE public.t TO reader;\n",
    );
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("roles the \"owner") && done.stderr.contains("--missing-roles"),
        "{done}"
    );
    assert_eq!(picture(&db), before);

    restore_with(&db, file.path(), &["--missing-roles", "skip"]).ok();
    assert_eq!(
        db.query_text(
            "SELECT tableowner, relacl FROM pg_tables, pg_class WHERE tablename = 't' AND relname = 't'"
        ),
        "postgres|"
    );
    db.execute("DROP TABLE public.t");

    restore_with(&db, file.path(), &["--missing-roles", "create"]).ok();
    assert_eq!(
        db.query_text("SELECT tableowner FROM pg_tables WHERE tablename = 't'"),
        "the \"owner"
    );
    assert_eq!(
        db.query_text("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'"),
        "f"
    );
    db.execute("DROP TABLE public.t; DROP ROLE reader; DROP ROLE \"the \"\"owner\";");

    // A script that makes its roles itself needs none.
    let own = script(
        "CREATE ROLE reader;\nCREATE TABLE public.t (a int);\nGRANT SELECT ON TABLE public.t TO reader;\n",
    );
    restore(&db, own.path()).ok();
}

#[test]
fn a_database_that_takes_no_writes_is_told_before_anything_is_asked() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("preflight_writes");
    let file = script("CREATE TABLE t (a int);\n");
    db.execute(&format!(
        "CREATE ROLE nobody LOGIN; ALTER DATABASE {} SET default_transaction_read_only = on",
        db.name()
    ));
    let done = restore(&db, file.path());
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("read only"), "{done}");
    cluster
        .postgres()
        .execute(&format!("ALTER DATABASE {} RESET ALL", db.name()));
    let uri = db.uri().replace("postgres@", "nobody@");
    let done = run(pgstow()
        .args(["restore", "--yes", "--dbname", &uri])
        .arg(file.path()));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("may create nothing"), "{done}");
}
