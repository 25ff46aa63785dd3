//! How a dump's cost grows with the database: per gigabyte of text from 0.5 to 4 GB, and per table from 10 to 10,000
//! tables. Both should stay as they are, and so should the peak memory.
//!
//!     cargo bench --bench scaling
//!
//! `PGSTOW_BENCH_SCALES="0.4 0.8"` sets the sizes, in units of 0.93 GB of text; see `dataset` for further
//! variables.

#[allow(dead_code)]
#[path = "dataset/mod.rs"]
mod dataset;
#[path = "measure/mod.rs"]
mod measure;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::process::Command;

use measure::{Measured, measure};
use support::Cluster;

const TABLES: [u32; 4] = [10, 100, 1_000, 10_000];

fn main() {
    let server = dataset::start();
    let scales = std::env::var("PGSTOW_BENCH_SCALES").unwrap_or_else(|_| "0.55 1.1 2.2 4.4".into());
    println!("| database | jobs | wall | client CPU | server CPU | each | peak memory |");
    println!("| --- | --: | --: | --: | --: | --: | --: |");
    for scale in scales.split_whitespace() {
        let db = server.database("sized");
        dataset::fill(&server, db.name(), scale);
        let uri = db.socket_uri();
        let text = text_size(&uri);
        let name = format!("{:.1} GB of text", text as f64 / 1e9);
        for jobs in [1, 2, 4] {
            let cost = dump(&server, &uri, jobs);
            let each = cost.total().as_secs_f64() / (text as f64 / 1e9);
            print(&name, jobs, &cost, &format!("{each:.2} s/GB"));
        }
    }
    for tables in TABLES {
        let db = server.database("many");
        db.execute(&format!(
            "DO $$ BEGIN FOR n IN 1..{tables} LOOP \
             EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, name text DEFAULT %L)', n, 'x'); \
             EXECUTE format('INSERT INTO t%s SELECT i, i FROM generate_series(1, 100) i', n); \
             IF n % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$"
        ));
        let cost = dump(&server, &db.socket_uri(), 2);
        let each = cost.total().as_secs_f64() * 1e3 / f64::from(tables);
        print(
            &format!("{tables} tables"),
            2,
            &cost,
            &format!("{each:.2} ms/table"),
        );
    }
}

fn pgstow(uri: &str) -> Command {
    let mut pgstow = support::pgstow();
    pgstow.args(["dump", "--quiet", "--dbname", uri]);
    pgstow
}

/// Bytes of the whole dump without compression.
fn text_size(uri: &str) -> u64 {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let file = dir.path().join("text.sql");
    support::run(pgstow(uri).args(["--compress", "none", "--file"]).arg(&file)).ok();
    file.metadata().expect("it was written").len()
}

/// The best of two dumps.
fn dump(server: &Cluster, uri: &str, jobs: usize) -> Measured {
    let run = |_| {
        let mut pgstow = pgstow(uri);
        pgstow.args([
            "--jobs",
            &jobs.to_string(),
            "--compress",
            "gzip",
            "--file",
            "/dev/null",
        ]);
        measure(Some(server), &mut pgstow).expect("a dump succeeds")
    };
    let runs = (0..2).map(run);
    runs.min_by_key(|cost| cost.wall).expect("there were runs")
}

fn print(name: &str, jobs: usize, cost: &Measured, each: &str) {
    println!(
        "| {name} | {jobs} | {:.2} s | {:.2} s | {:.2} s | {each} | {} MiB |",
        cost.wall.as_secs_f64(),
        cost.client.as_secs_f64(),
        cost.server.as_secs_f64(),
        cost.peak >> 20,
    );
}
