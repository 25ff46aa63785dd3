//! The database that the benchmarks of the stream run on: about 1.2 GB of SQL text at scale 1.
//!
//! `PGSTOW_BENCH_SCALE` sets the scale, `PGSTOW_BENCH_MAJOR` the server's major version (15). `PGSTOW_BENCH_URI` names a
//! database to be used as it is instead; its server's processor time is then not seen.

use crate::support::{self, Cluster, Setup};

/// Starts a server and fills a database, or takes the one that the environment names: the private server, if there is one, and
/// the database's URI, over a unix socket on the private server.
pub fn prepare() -> (Option<Cluster>, String) {
    let var = |name: &str| std::env::var(name).ok();
    if let Some(uri) = var("PGSTOW_BENCH_URI") {
        return (None, uri);
    }
    let server = start();
    let scale = var("PGSTOW_BENCH_SCALE").unwrap_or_else(|| "0.1".into());
    server.postgres().execute("CREATE DATABASE bench");
    fill(&server, "bench", &scale);
    let uri = server.socket_uri("bench");
    (Some(server), uri)
}

/// Starts a server set up for loading quickly.
pub fn start() -> Cluster {
    let major = std::env::var("PGSTOW_BENCH_MAJOR").map_or(15, |m| m.parse().expect("a major version"));
    let setup = Setup {
        conf: "shared_buffers = '512MB'\nmax_wal_size = '8GB'\nmax_locks_per_transaction = 1024\n",
        ..Setup::default()
    };
    Cluster::start(major, &setup)
}

/// Fills a database to this scale.
pub fn fill(server: &Cluster, dbname: &str, scale: &str) {
    eprintln!(
        "filling a database at scale {scale} on PostgreSQL {}",
        server.major()
    );
    let mut psql = support::psql();
    server
        .env(&mut psql, dbname)
        .args(["-q", "-v", &format!("scale={scale}")]);
    support::run_with_input(&mut psql, include_bytes!("dataset.sql")).ok();
}
