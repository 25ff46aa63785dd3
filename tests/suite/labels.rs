//! Security labels, word for word as pg_dump and pg_dumpall write them.
//!
//! No server that the tests can have comes with a label provider, and SECURITY LABEL needs one. So labels are put into
//! their catalogs by hand; what reads them does not ask for the provider.

use std::collections::BTreeSet;

use pgstow::archive::Compression;
use pgstow::connect::{Settings, SnapshotOptions};
use pgstow::dump;

use crate::support::{self, Db, pgstow, run};

/// One object of each kind that can have a label, and the labels.
const SOURCE: &str = r#"
CREATE SCHEMA s;
CREATE TABLE s."t t" (a int, "b b" text);
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE VIEW v AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
CREATE SEQUENCE q;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE f (a int) SERVER far;
CREATE FUNCTION fn(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TYPE base;
CREATE FUNCTION base_in(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION base_out(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE base (INPUT = base_in, OUTPUT = base_out, LIKE = int4);
CREATE TYPE shell;
CREATE TYPE mood AS ENUM ('fine');
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (SUBTYPE = int);
CREATE DOMAIN d AS int;
CREATE LANGUAGE lang HANDLER plpgsql_call_handler;
CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION tell();
CREATE PUBLICATION pub;
CREATE SUBSCRIPTION sub CONNECTION 'dbname=nowhere' PUBLICATION pub WITH (connect = false);
SELECT lo_create(900003);
SET allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
SELECT oid, class, sub, provider, 'it''s ' || sub || E' \\ ' || provider FROM (
    SELECT oid, 'pg_namespace'::regclass AS class, 0 AS sub FROM pg_namespace WHERE nspname IN ('s', 'public')
    UNION ALL SELECT c.oid, 'pg_class'::regclass, 0 FROM pg_class c
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relnamespace IN ('public'::regnamespace, 's'::regnamespace)
    UNION ALL SELECT attrelid, 'pg_class'::regclass, attnum FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE attnum > 0 AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace IN ('public'::regnamespace, 's'::regnamespace)
    UNION ALL SELECT oid, 'pg_proc'::regclass, 0 FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT oid, 'pg_type'::regclass, 0 FROM pg_type
        WHERE typname IN ('base', 'shell', 'mood', 'pair', 'span', 'd') AND typnamespace = 'public'::regnamespace
    UNION ALL SELECT oid, 'pg_language'::regclass, 0 FROM pg_language WHERE lanname = 'lang'
    UNION ALL SELECT oid, 'pg_event_trigger'::regclass, 0 FROM pg_event_trigger
    UNION ALL SELECT oid, 'pg_publication'::regclass, 0 FROM pg_publication
    UNION ALL SELECT oid, 'pg_largeobject'::regclass, 0 FROM pg_largeobject_metadata
) AS all_of_them, unnest(ARRAY['plain', 'Odd "one"']) AS provider;
"#;

/// The statements that give labels, however many lines they take.
fn labels(script: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut statement: Option<String> = None;
    for line in script.lines() {
        match &mut statement {
            Some(text) => *text += &format!("\n{line}"),
            None if line.starts_with("SECURITY LABEL") => statement = Some(line.to_string()),
            None => continue,
        }
        if line.ends_with("';") {
            found.extend(statement.take());
        }
    }
    found
}

/// What `SECURITY LABEL FOR provider ON` is followed by.
fn kinds(labels: &BTreeSet<String>) -> BTreeSet<&str> {
    const ALL: [&str; 18] = [
        "AGGREGATE",
        "COLUMN",
        "DATABASE",
        "DOMAIN",
        "EVENT TRIGGER",
        "FOREIGN TABLE",
        "FUNCTION",
        "LARGE OBJECT",
        "MATERIALIZED VIEW",
        "LANGUAGE",
        "PROCEDURE",
        "PUBLICATION",
        "SCHEMA",
        "SEQUENCE",
        "SUBSCRIPTION",
        "TABLE",
        "TYPE",
        "VIEW",
    ];
    let has = |kind: &&str| labels.iter().any(|label| label.contains(&format!(" ON {kind} ")));
    ALL.into_iter().filter(has).collect()
}

#[test]
fn every_kind_of_object_keeps_its_security_labels() {
    for server in support::servers() {
        let db = server.database("labels");
        db.execute(SOURCE);
        db.execute(
            "SET allow_system_table_mods = on; INSERT INTO pg_shseclabel (objoid, classoid, provider, label) \
             SELECT oid, 'pg_database'::regclass, 'plain', 'top' FROM pg_database WHERE datname = current_database() \
             UNION ALL SELECT s.oid, 'pg_subscription'::regclass, 'plain', 'shared' FROM pg_subscription s \
             JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()",
        );
        let theirs = labels(&run(db.pg_dump().arg("--create")).ok().stdout);
        let ours = labels(
            &run(pgstow().args(["dump", "--create", "--dbname", &db.uri()]))
                .ok()
                .stdout,
        );
        let major = server.major();
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let more: Vec<_> = ours.difference(&theirs).collect();
        assert!(
            missing.is_empty() && more.is_empty(),
            "PostgreSQL {major}: missing {missing:#?}, only in ours {more:#?}"
        );
        assert_eq!(kinds(&ours).len(), 18, "PostgreSQL {major}: {:?}", kinds(&ours));
        assert!(ours.len() > 60, "PostgreSQL {major}: {}", ours.len());
        let without =
            run(pgstow().args(["dump", "--no-security-labels", "--create", "--dbname", &db.uri()])).ok();
        assert!(labels(&without.stdout).is_empty());
    }
}

/// What is dumped of the whole server.
fn globals(db: &Db) -> String {
    let settings = Settings::resolve(Some(&db.uri())).expect("the URI is sound");
    let options = SnapshotOptions::default();
    let dumped = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(dump::globals(&settings, &options, Compression::None, Vec::new()));
    let (text, _) = dumped.expect("a superuser may read it");
    String::from_utf8(text).expect("it is UTF-8")
}

#[test]
fn roles_keep_their_security_labels() {
    for server in support::servers() {
        let db = server.postgres();
        db.execute(
            r#"CREATE ROLE "labelled ""role""";
            SET allow_system_table_mods = on;
            INSERT INTO pg_shseclabel (objoid, classoid, provider, label)
            SELECT oid, 'pg_authid'::regclass, provider, 'of a role''s' FROM pg_roles, unnest(ARRAY['plain', 'Odd']) AS provider
            WHERE rolname LIKE 'labelled%';"#,
        );
        let mut pg_dumpall = support::pg_dumpall();
        let theirs = run(db.env(&mut pg_dumpall).arg("--globals-only")).ok().stdout;
        let (ours, theirs) = (labels(&globals(&db)), labels(&theirs));
        // Its labels go with it.
        db.execute(r##"DROP ROLE "labelled ""role""""##);
        assert!(
            ours.contains(r#"SECURITY LABEL FOR plain ON ROLE "labelled ""role""" IS 'of a role''s';"#),
            "{ours:?}"
        );
        assert_eq!(ours, theirs, "PostgreSQL {}", server.major());
    }
}
