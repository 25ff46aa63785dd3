//! The catalog's queries against every server, and the accounting of what they leave out.

use std::collections::BTreeSet;

use pgstow::catalog::{self, dialect};
use pgstow::connect::{Session, Settings, Snapshot, SnapshotOptions, connect};

use crate::kinds::case;
use crate::support::{self, Db};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

async fn session(db: &Db<'_>) -> Session {
    let settings = Settings::resolve(Some(&db.uri())).expect("the URI is sound");
    connect(&settings).await.expect("the server is up")
}

/// A query and its struct must not drift apart, nor a query and what an old server understands.
#[test]
fn every_query_gives_its_columns_on_every_server() {
    for server in support::servers() {
        let db = server.postgres();
        wait(async {
            let session = session(&db).await;
            for kind in catalog::KINDS {
                let Some(sql) = dialect::adapt(kind.name, kind.sql, session.version) else {
                    continue;
                };
                let statement = session.client.prepare(&sql).await;
                let statement = statement
                    .unwrap_or_else(|e| panic!("{} on PostgreSQL {}: {e:?}", kind.name, server.major()));
                let columns: Vec<&str> = statement.columns().iter().map(|c| c.name()).collect();
                let fields: Vec<&str> = kind.columns.iter().map(|c| c.trim_start_matches("r#")).collect();
                assert_eq!(columns, fields, "{} on PostgreSQL {}", kind.name, server.major());
            }
        });
    }
}

/// Catalogs whose rows are parts of rows of others: no object is lost by not counting them.
const PARTS: &[(&str, &str)] = &[
    ("pg_amop", "a member of an operator class or family"),
    ("pg_amproc", "a member of an operator class or family"),
    ("pg_attrdef", "a column's default"),
    ("pg_enum", "a label of an enum"),
    ("pg_largeobject", "has no OIDs of its own"),
    ("pg_user_mapping", "counted through the view pg_user_mappings"),
];

/// A catalog that a new server brings must not be overlooked.
#[test]
fn every_catalog_with_objects_is_accounted_for() {
    let sql = coverage_sql();
    for server in support::servers() {
        let catalogs = server.postgres().query_text(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'oid' \
             WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT c.relisshared ORDER BY 1",
        );
        for name in catalogs.lines() {
            assert!(
                sql.contains(&format!("'{name}'::regclass, ")) || PARTS.iter().any(|(part, _)| *part == name),
                "PostgreSQL {} has the catalog {name}, whose rows nobody counts",
                server.major()
            );
        }
    }
}

fn coverage_sql() -> &'static str {
    let (_, sql) = catalog::queries()
        .find(|(name, _)| *name == "coverage")
        .expect("coverage is registered");
    sql
}

/// All cases together are a database full of everything: each object in them is made by a kind or left out by a named
/// rule (loading fails otherwise), and no catalog is without a case.
#[test]
fn everything_in_all_cases_is_dumped_or_left_out_by_name() {
    let server = support::server(support::newest());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for case in case::every() {
        if !case.runs_on(server) {
            continue;
        }
        let db = server.database_with(&format!("everything_{}", case.name), &case.database);
        db.execute(&case.script);
        let left_out = wait(async {
            let session = session(&db).await;
            let options = SnapshotOptions::default();
            let _snapshot = Snapshot::take(&session, &options).await.expect("a snapshot");
            let catalog = catalog::load(&session)
                .await
                .unwrap_or_else(|e| panic!("{}: {e}", case.name));
            assert_eq!(catalog.warnings, [""; 0], "{}", case.name);
            catalog.left_out
        });
        for rule in left_out.keys() {
            assert!(
                coverage_sql().contains(&rule.replace('\'', "''")),
                "{rule} is no rule"
            );
        }
        let counted = format!(
            "SELECT DISTINCT class::regclass FROM ({}) c WHERE rule IS NULL",
            coverage_sql()
        );
        seen.extend(db.query_text(&counted).lines().map(str::to_string));
    }
    for name in coverage_sql().split('\'').filter(|word| word.starts_with("pg_")) {
        assert!(
            seen.contains(name) || !coverage_sql().contains(&format!("SELECT '{name}'::regclass, ")),
            "no case has anything in {name}"
        );
    }
}

/// Dumps a database as text; gives the script and what was said.
fn dump(uri: &str) -> support::Done {
    support::run(support::pgstow().args(["dump", "--compress", "none", "--dbname", uri])).ok()
}

/// pg_dump leaves the options out in silence.
#[test]
fn options_of_user_mappings_that_may_not_be_seen_are_told() {
    for server in support::servers() {
        let db = server.database("mappings");
        db.execute(
            "DO $$ BEGIN CREATE ROLE mapping_reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             CREATE EXTENSION postgres_fdw;
             CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
             GRANT USAGE ON FOREIGN SERVER far TO mapping_reader;
             CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u', password 'hidden');
             CREATE USER MAPPING FOR mapping_reader SERVER far OPTIONS (user 'own');",
        );
        let by_superuser = dump(&db.uri());
        assert!(!by_superuser.stderr.contains("mapping"), "{by_superuser}");
        assert!(
            by_superuser.stdout.contains("password 'hidden'"),
            "{by_superuser}"
        );

        let by_reader = dump(&db.uri().replacen("postgres@", "mapping_reader@", 1));
        let warning = "the options of the user mapping for public on server far are not in the dump";
        assert!(by_reader.stderr.contains(warning), "{by_reader}");
        assert!(
            !by_reader.stderr.contains("mapping for mapping_reader"),
            "{by_reader}"
        );
        assert!(by_reader.stdout.contains("'own'"), "{by_reader}");
        assert!(
            by_reader.stdout.contains("-- without options: the role that dumped may not see them\nCREATE USER MAPPING FOR public SERVER far;"),
            "{by_reader}"
        );
    }
}

/// The server takes comments on what no dump makes by itself. Those of multirange types pg_dump forgets.
#[test]
fn a_comment_is_in_the_dump_or_missed_by_name() {
    for server in support::servers() {
        let db = server.database("comments");
        db.execute(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
             CREATE TABLE t (a int) PARTITION BY LIST (a);
             CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);
             CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
             COMMENT ON TRIGGER g ON t IS 'kept';
             COMMENT ON TRIGGER g ON t_1 IS 'of a copy';
             CREATE TYPE span AS RANGE (subtype = float8);",
        );
        if server.major() >= 14 {
            db.execute("COMMENT ON TYPE span_multirange IS 'many spans'");
        }
        let done = dump(&db.uri());
        let warning = "the comment or security label of trigger g on table public.t_1 is not in the dump";
        assert!(done.stderr.contains(warning), "{done}");
        assert_eq!(done.stderr.matches("is not in the dump").count(), 1, "{done}");
        let kept = "COMMENT ON TYPE public.span_multirange IS 'many spans';";
        assert_eq!(done.stdout.contains(kept), server.major() >= 14, "{done}");
    }
}

/// pg_dump leaves them out.
#[test]
fn subscriptions_that_may_not_be_read_are_an_error_that_names_them() {
    for server in support::servers() {
        let db = server.database("subscribed");
        db.execute(
            "DO $$ BEGIN CREATE ROLE subscription_reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             SET client_min_messages = error;
             CREATE SUBSCRIPTION secret CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false);",
        );
        let uri = db.uri().replacen("postgres@", "subscription_reader@", 1);
        let done = support::run(support::pgstow().args(["dump", "--compress", "none", "--dbname", &uri]));
        assert_eq!(done.code, 1, "{done}");
        assert!(
            done.stderr
                .contains("this role may not read the subscription secret"),
            "{done}"
        );
        db.execute("DROP SUBSCRIPTION secret");
        dump(&uri);
    }
}
