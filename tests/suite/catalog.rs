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
