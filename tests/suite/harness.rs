//! The tests' own ground: a harness that lies makes every other test worthless.

use crate::support::{self, Cluster, Db, Setup};

#[test]
fn every_major_under_test_answers_as_itself() {
    for server in support::servers() {
        let db = server.database("harness");
        let version = db.query_text("SHOW server_version_num");
        assert_eq!(version.parse::<u32>().expect("a number") / 10_000, server.major());
        assert_eq!(
            db.query_text("SELECT 1.5::float8, '1 day'::interval, E'\\\\x00'::bytea"),
            "1.5|1 day|\\x00"
        );
    }
}

#[test]
fn the_oracles_are_of_the_majors_they_claim() {
    for major in support::CLIENT_MAJORS {
        for mut command in [support::pg_dump_of(major), support::pg_dumpall_of(major)] {
            let text = support::run(command.arg("--version")).ok().stdout;
            assert!(text.contains(&format!(" {major}.")), "{text}");
        }
    }
    let text = support::run(support::pg_dump().arg("--version")).ok().stdout;
    assert!(text.contains(" 18."), "{text}");
}

#[test]
fn a_database_of_any_name_is_made_and_dropped() {
    let server = support::server(support::newest());
    let name = "odd \"name\" %2F /?=ü";
    let count = || {
        server
            .postgres()
            .query_text("SELECT count(*) FROM pg_database WHERE datname LIKE 'odd %'")
    };
    let db = server.database_named(name);
    assert_eq!(db.query_text("SELECT current_database()"), name);
    assert_eq!(count(), "1");
    drop(db);
    assert_eq!(count(), "0");
}

#[test]
fn a_database_is_reached_by_uri_over_tcp_and_over_the_socket() {
    let server = support::server(support::newest());
    let db = server.database("way in %");
    let port = server.port().to_string();
    for (uri, address) in [
        (db.uri(), format!("127.0.0.1|{port}")),
        (db.socket_uri(), "|".to_string()),
    ] {
        let query = "SELECT current_database(), inet_server_addr(), inet_server_port()";
        let args = [
            "--dbname",
            &uri,
            "--no-align",
            "--tuples-only",
            "--command",
            query,
        ];
        let text = support::run(support::psql().args(args)).ok().stdout;
        assert_eq!(text.trim_end(), format!("{}|{address}", db.name()));
    }
}

#[test]
fn a_database_of_another_encoding_is_described_by_the_oracle() {
    let server = support::server(support::newest());
    let db = server.database_with("latin", "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let script = support::run(&mut db.pg_dump()).ok().stdout;
    assert!(script.contains("SET client_encoding = 'LATIN1';"), "{script}");
}

#[test]
fn the_environment_of_the_tests_does_not_reach_the_programs() {
    let done = support::run(support::pgstow().arg("--version")).ok();
    assert!(done.stdout.starts_with("pgstow "), "{done}");
}

/// The keeper hears of the process's end by the same pipe, whatever the end was.
#[test]
fn a_cluster_leaves_nothing_behind() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let dir = cluster.socket_dir().to_path_buf();
    assert!(dir.join("data/postmaster.pid").exists());
    drop(cluster);
    assert!(!dir.exists());
}

#[test]
fn a_crashed_server_comes_back() {
    let cluster = Cluster::start(support::newest(), &Setup::default());
    let db = cluster.database("phoenix");
    db.execute("CREATE TABLE t AS SELECT 1 AS a");
    let answers = |db: &Db| db.try_execute("SELECT 1").code == 0;
    assert!(answers(&db));
    db.cluster().crash();
    assert!(!answers(&db));
    db.cluster().start_again();
    assert_eq!(db.query_text("SELECT a FROM t"), "1");
}

#[test]
fn a_cluster_can_ask_for_passwords() {
    let hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let cluster = Cluster::start(
        support::newest(),
        &Setup {
            hba: Some(hba),
            ..Setup::default()
        },
    );
    cluster.postgres().execute("ALTER ROLE postgres PASSWORD 'right'");
    let by_tcp = |password: &str| {
        let mut psql = support::psql();
        cluster
            .env(&mut psql, "postgres")
            .env("PGPASSWORD", password)
            .args(["-c", "SELECT 1"]);
        support::run(&mut psql).code
    };
    assert_eq!(by_tcp("right"), 0);
    assert_ne!(by_tcp("wrong"), 0);
}
