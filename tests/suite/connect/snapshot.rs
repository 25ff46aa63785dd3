//! The snapshot that all sessions of a dump share.

use pgstow::connect::{Session, Snapshot, SnapshotOptions};

use super::ground::{block_on, session};
use super::session::standby;
use crate::support;

fn text(session: &Session, query: &str) -> String {
    block_on(session.client.query_one(query, &[]))
        .unwrap_or_else(|e| panic!("{query}: {e:?}"))
        .get(0)
}

#[test]
fn every_session_sees_what_the_leader_saw_and_nothing_later() {
    for server in support::servers() {
        let db = server.database("snapshot");
        db.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
        let (leader, worker) = (session(&db.uri()), session(&db.socket_uri()));
        let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
        assert!(snapshot.id.is_some() && snapshot.not_exported.is_none() && !snapshot.in_recovery);
        assert_eq!(snapshot.encoding, "UTF8");
        assert!((chrono::Utc::now() - snapshot.time).num_seconds().abs() < 60);
        db.execute("INSERT INTO t VALUES (2); CREATE TABLE later ()");
        block_on(snapshot.join(&worker)).unwrap();
        for session in [&leader, &worker] {
            assert_eq!(text(session, "SELECT count(*)::text FROM public.t"), "1");
            assert_eq!(
                text(
                    session,
                    "SELECT count(*)::text FROM pg_class WHERE relname = 'later'"
                ),
                "0"
            );
        }
    }
}

#[test]
fn the_texts_of_values_do_not_depend_on_the_servers_settings() {
    // The tests' servers are set to what no program would expect.
    for server in support::servers() {
        let db = server.database("texts");
        let name = db.name();
        db.execute(&format!(
            "ALTER DATABASE \"{name}\" SET standard_conforming_strings = off;
             ALTER DATABASE \"{name}\" SET search_path = pg_temp, public;
             ALTER DATABASE \"{name}\" SET statement_timeout = '1min'"
        ));
        let (leader, worker) = (session(&db.uri()), session(&db.uri()));
        let options = SnapshotOptions {
            quote_all_identifiers: true,
            ..SnapshotOptions::default()
        };
        let snapshot = block_on(Snapshot::take(&leader, &options)).unwrap();
        block_on(snapshot.join(&worker)).unwrap();
        assert!(snapshot.standard_conforming_strings);
        for session in [&leader, &worker] {
            assert_eq!(
                text(
                    session,
                    "SELECT concat_ws('|', timestamptz 'epoch', interval '1 day 2:00', 0.1::float4, '\\x01'::bytea,
                            pg_get_expr(adbin, adrelid))
                     FROM pg_attrdef RIGHT JOIN (VALUES (1)) v ON false"
                ),
                "1970-01-01 00:00:00+00|1 day 02:00:00|0.1|\\x01"
            );
            for (setting, value) in [
                ("statement_timeout", "0"),
                ("row_security", "off"),
                ("quote_all_identifiers", "on"),
                ("synchronize_seqscans", "off"),
                ("transaction_read_only", "on"),
                ("transaction_isolation", "repeatable read"),
            ] {
                assert_eq!(
                    text(session, &format!("SELECT current_setting('{setting}')")),
                    value,
                    "{setting}"
                );
            }
        }
        let error = block_on(leader.client.batch_execute("CREATE TABLE public.no ()")).unwrap_err();
        assert_eq!(error.code().unwrap().code(), "25006");
    }
}

#[test]
fn a_view_in_a_tables_place_runs_nothing() {
    for server in support::servers() {
        let db = server.database("swapped");
        db.execute("CREATE VIEW v AS SELECT 1 AS n");
        let leader = session(&db.uri());
        block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
        let error = block_on(leader.client.batch_execute("SELECT * FROM public.v")).unwrap_err();
        assert_eq!(
            error.code().unwrap().code(),
            "55000",
            "PostgreSQL {}: {error:?}",
            server.major()
        );
    }
}

#[test]
fn a_standby_is_dumped_by_several_sessions_too() {
    for major in support::majors() {
        let standby = standby(major);
        let (leader, worker) = (
            session(&standby.uri("postgres")),
            session(&standby.uri("postgres")),
        );
        let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
        assert!(
            snapshot.in_recovery && snapshot.id.is_some(),
            "PostgreSQL {major}"
        );
        block_on(snapshot.join(&worker)).unwrap();
        assert_eq!(text(&worker, "SELECT count(*)::text FROM public.t"), "10");

        let leader = session(&standby.uri("postgres"));
        let serializable = SnapshotOptions {
            serializable_deferrable: true,
            ..SnapshotOptions::default()
        };
        let error = block_on(Snapshot::take(&leader, &serializable))
            .unwrap_err()
            .to_string();
        assert!(error.contains("leave out --serializable-deferrable"), "{error}");
    }
}

#[test]
fn a_server_that_does_not_export_still_gives_a_snapshot_of_its_own() {
    let db_server = support::server(support::newest());
    let db = db_server.database("unexported");
    db.execute(&format!(
        "CREATE ROLE \"{0}\" LOGIN; REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC",
        db.name()
    ));
    let leader = session(&db.uri().replace("postgres@", &format!("{}@", db.name())));
    let worker = session(&db.uri());
    let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
    assert!(snapshot.id.is_none());
    assert!(
        snapshot
            .not_exported
            .as_deref()
            .unwrap()
            .contains("pg_export_snapshot"),
        "{snapshot:?}"
    );
    assert_eq!(text(&leader, "SHOW transaction_isolation"), "repeatable read");
    let error = block_on(snapshot.join(&worker)).unwrap_err().to_string();
    assert!(error.contains("cannot be shared"), "{error}");
    drop((leader, worker));
    db.execute(&format!("DROP ROLE \"{}\"", db.name()));
}

#[test]
fn a_snapshot_that_is_gone_or_from_elsewhere_is_told() {
    for server in support::servers() {
        let leader = session(&server.uri("postgres"));
        let options = SnapshotOptions {
            existing: Some("00000003-0000001B-1".into()),
            ..SnapshotOptions::default()
        };
        let error = block_on(Snapshot::take(&leader, &options))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot join snapshot 00000003-0000001B-1"),
            "{error}"
        );
        assert!(error.contains("lives as long as the transaction"), "{error}");
    }
}

#[test]
fn a_dump_acts_as_the_role_it_was_given() {
    let server = support::server(support::newest());
    let db = server.database("acting");
    db.execute(&format!("CREATE ROLE \"{}\"", db.name()));
    let leader = session(&db.uri());
    let options = SnapshotOptions {
        role: Some(db.name().into()),
        serializable_deferrable: true,
        ..SnapshotOptions::default()
    };
    block_on(Snapshot::take(&leader, &options)).unwrap();
    assert_eq!(text(&leader, "SELECT current_user::text"), db.name());
    drop(leader);
    db.execute(&format!("DROP ROLE \"{}\"", db.name()));
}
