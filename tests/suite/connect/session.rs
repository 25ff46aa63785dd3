//! What a session does once there is one, and where there is none.

use std::time::{Duration, Instant};

use pgstow::connect;

use super::ground::{block_on, ground, session, settings};
use crate::support::{self, Cluster, Setup};

#[track_caller]
fn refused(uri: &str) -> String {
    match block_on(connect::connect(&settings(uri))) {
        Ok(_) => panic!("{uri}: connected"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn a_query_is_cancelled_at_once_with_and_without_tls() {
    for major in support::majors() {
        let ground = ground(major);
        for mode in ["disable", "require"] {
            let session = ground
                .connect(&format!("user=trusted sslmode={mode}"), &[])
                .unwrap();
            let begin = Instant::now();
            block_on(async {
                let sleep = session.client.batch_execute("SELECT pg_sleep(60)");
                let cancel = async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    session
                        .cancel()
                        .await
                        .unwrap_or_else(|e| panic!("PostgreSQL {major}: {e}"));
                };
                let (slept, ()) = tokio::join!(sleep, cancel);
                let error = session.explain(slept.unwrap_err());
                assert_eq!(error.server().unwrap().code, "57014", "{error}");
                session
                    .client
                    .batch_execute("SELECT 1")
                    .await
                    .expect("the session goes on");
            });
            assert!(begin.elapsed() < Duration::from_secs(20), "PostgreSQL {major}");
        }
    }
}

#[test]
fn a_session_that_the_server_ends_tells_the_servers_reason() {
    for server in support::servers() {
        let session = session(&server.uri("postgres"));
        let error = block_on(async {
            let own = session
                .client
                .batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")
                .await;
            session.explain(own.expect_err("it is gone"))
        });
        assert!(
            error.to_string().contains("57P01"),
            "PostgreSQL {}: {error}",
            server.major()
        );
        let later =
            block_on(async { session.explain(session.client.batch_execute("SELECT 1").await.unwrap_err()) });
        assert!(
            later
                .to_string()
                .contains("the connection to the server was lost")
                || later.server().is_some(),
            "{later}"
        );
    }
}

#[test]
fn a_server_that_crashes_is_a_lost_connection() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let session = session(&cluster.uri("postgres"));
    cluster.crash();
    let error =
        block_on(async { session.explain(session.client.batch_execute("SELECT 1").await.unwrap_err()) });
    assert!(error.to_string().contains("connection"), "{error}");
    let error = refused(&cluster.uri("postgres"));
    assert!(
        error.contains("connection refused") && error.contains("listen_addresses"),
        "{error}"
    );
    let error = refused(&cluster.socket_uri("postgres"));
    assert!(error.contains("socket"), "{error}");
}

#[test]
fn every_place_that_was_tried_is_named() {
    let error = refused("postgresql://u@127.0.0.1:1,no-such-host.invalid:2,%2Fnonexistent:3/db");
    for part in [
        "127.0.0.1:1: connection refused",
        "no-such-host.invalid:2: no address for this name",
        "there is no socket /nonexistent/.s.PGSQL.3",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let server = support::server(support::newest());
    let port = server.port();
    let uri = format!("postgresql://postgres@127.0.0.1:1,%2Fnonexistent:3,127.0.0.1:{port}/postgres");
    assert_eq!(session(&uri).host_text(), format!("127.0.0.1:{port}"));
}

#[test]
fn a_server_that_never_answers_costs_the_time_limit_and_no_more() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begin = Instant::now();
    let error = refused(&format!("postgresql://u@127.0.0.1:{port}/db?connect_timeout=1"));
    assert!(
        error.contains("no answer within 1 s") && error.contains("PGCONNECT_TIMEOUT"),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[test]
fn something_that_is_no_postgresql_server_is_told() {
    let web = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in web.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = refused(&format!("postgresql://u@127.0.0.1:{port}/db?connect_timeout=5"));
    assert!(error.contains("is that a PostgreSQL server?"), "{error}");
}

#[test]
fn the_kind_of_session_decides_among_hosts() {
    let major = support::newest();
    let primary = support::server(major);
    let standby = standby(major);
    let uri = |kind: &str, hosts: &[&Cluster]| {
        let hosts: Vec<_> = hosts.iter().map(|c| format!("127.0.0.1:{}", c.port())).collect();
        format!(
            "postgresql://postgres@{}/postgres?target_session_attrs={kind}",
            hosts.join(",")
        )
    };
    let both = [primary, &standby];
    let turned = [&standby, primary];
    for (kind, expected) in [
        ("read-write", primary),
        ("primary", primary),
        ("read-only", &standby),
        ("standby", &standby),
        ("prefer-standby", &standby),
    ] {
        for hosts in [&both, &turned] {
            let host = session(&uri(kind, hosts)).host_text();
            assert_eq!(host, format!("127.0.0.1:{}", expected.port()), "{kind}");
        }
    }
    assert_eq!(
        session(&uri("any", &both)).host_text(),
        format!("127.0.0.1:{}", primary.port())
    );
    assert_eq!(
        session(&uri("prefer-standby", &[primary])).host_text(),
        format!("127.0.0.1:{}", primary.port())
    );
    let error = refused(&uri("standby", &[primary]));
    assert!(error.contains("it is no standby"), "{error}");
    let error = refused(&uri("read-write", &[&standby]));
    assert!(error.contains("it takes no writes"), "{error}");
}

/// A hot standby that waits for a primary which never comes.
pub fn standby(major: u32) -> Cluster {
    let cluster = Cluster::start(major, &Setup::default());
    cluster
        .postgres()
        .execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS n");
    cluster.crash();
    std::fs::write(cluster.socket_dir().join("data/standby.signal"), "").expect("the cluster is ours");
    cluster.start_again();
    cluster
}

#[test]
fn the_servers_own_settings_reach_the_session() {
    let server = support::server(support::newest());
    let uri = server.uri("postgres");
    let session = session(&format!(
        "{uri}?options=-c%20geqo_threshold%3D7&application_name=night%20backup"
    ));
    let row = block_on(session.client.query_one(
        "SELECT current_setting('geqo_threshold'), current_setting('application_name')",
        &[],
    ))
    .unwrap();
    assert_eq!(
        (row.get::<_, &str>(0), row.get::<_, &str>(1)),
        ("7", "night backup")
    );
    assert_eq!(session.version / 10_000, support::newest());
    assert!(session.version_text.starts_with(&support::newest().to_string()));
}

#[test]
fn the_owner_of_a_socket_is_checked_when_asked() {
    let server = support::server(support::newest());
    let error = refused(&format!(
        "{}?requirepeer=no-such-user",
        server.socket_uri("postgres")
    ));
    assert!(error.contains("requirepeer is \"no-such-user\""), "{error}");
}
