//! Whole restores against the tools that people use, in one run on one data set: wall time, processor time of client and
//! server, peak memory. Ratios are to the first line, the script `gunzip | psql --single-transaction`.
//!
//!     PGSTOW_BENCH_SCALE=1 PGSTOW_BENCH_ROUNDS=3 cargo bench --bench restore
//!
//! Of several rounds the fastest counts. See `dataset` for further variables; the server must be a private one.

#[path = "dataset/mod.rs"]
mod dataset;
#[path = "measure/mod.rs"]
mod measure;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::process::Command;

use measure::{Measured, measure};

/// One way to restore into the empty database `$URI`.
const WAYS: &[(&str, &str)] = &[
    (
        "gunzip \\| psql",
        "gunzip -c $DIR/script.sql.gz | $PSQL --single-transaction -v ON_ERROR_STOP=on $URI",
    ),
    (
        "pg_restore -j2 of -Fd",
        "$PG_RESTORE --no-owner --jobs=2 --dbname=$URI $DIR/directory",
    ),
    ("**pgstow**", "$RESTORE $DIR/ours.sql.gz"),
    ("**pgstow** of pg_dump's file", "$RESTORE $DIR/script.sql.gz"),
    (
        "**pgstow** --target-db --jobs 2",
        "$RESTORE --target-db beside --jobs 2 $DIR/ours.sql.gz",
    ),
    (
        "**pgstow** --swap --jobs 2, proved",
        "$RESTORE --swap --jobs 2 $DIR/ours.sql.gz",
    ),
];

fn main() {
    let (server, uri) = dataset::prepare();
    let server = server.expect("restores are measured on a private server");
    let rounds: usize =
        std::env::var("PGSTOW_BENCH_ROUNDS").map_or(1, |n| n.parse().expect("a number of rounds"));
    let only = std::env::var("PGSTOW_BENCH_ONLY").unwrap_or_default();
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let program = |command: Command| command.get_program().to_string_lossy().into_owned();
    let target = server.socket_uri("target");
    let prologue = format!(
        "set -e -o pipefail; DIR='{}'; URI='{target}'; PG_DUMP='{}'; PSQL='{} -Xqo /dev/null'
         PG_RESTORE=$(dirname \"$PG_DUMP\")/pg_restore; PGSTOW='{}'; RESTORE=\"$PGSTOW restore --quiet --yes --dbname $URI\"
         ",
        dir.path().display(),
        program(support::pg_dump_of(15)),
        program(support::psql()),
        env!("CARGO_BIN_EXE_pgstow"),
    );
    let shell = |text: &str| {
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(format!("{prologue}{text}"));
        bash
    };
    support::run(&mut shell(&format!(
        "$PG_DUMP --no-owner --dbname={uri} | gzip > $DIR/script.sql.gz
         $PG_DUMP --no-owner --format=directory --jobs=2 --compress=6 --file=$DIR/directory --dbname={uri}
         $PGSTOW dump --quiet --no-owner --dbname {uri} --file $DIR/ours.sql.gz"
    )))
    .ok();
    let mut best: Vec<(&str, Measured)> = Vec::new();
    for round in 0..rounds {
        for (name, way) in WAYS.iter().filter(|(name, _)| name.contains(&only)) {
            empty(&server);
            let Some(cost) = measure(Some(&server), &mut shell(way)) else {
                eprintln!("{name}: cannot be run here");
                continue;
            };
            eprintln!("round {}: {name}: {cost:?}", round + 1);
            match best.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) if cost.wall < known.wall => *known = cost,
                Some(_) => {}
                None => best.push((name, cost)),
            }
        }
    }
    print(&best);
}

/// Leaves no database but an empty one to be restored into, and nothing for the server to write later.
fn empty(server: &support::Cluster) {
    let postgres = server.postgres();
    postgres.execute(
        "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
             WHERE datname ~ '^(target|beside)' \\gexec
         CREATE DATABASE target; CHECKPOINT;",
    );
}

fn print(best: &[(&str, Measured)]) {
    let Some((_, first)) = best.first() else { return };
    println!("| command | wall | ratio | client CPU | server CPU | ratio of both | peak |");
    println!("| --- | --: | --: | --: | --: | --: | --: |");
    for (name, cost) in best {
        println!(
            "| {name} | {:.2} s | {:.2} | {:.2} s | {:.2} s | {:.2} | {} MiB |",
            cost.wall.as_secs_f64(),
            cost.wall.as_secs_f64() / first.wall.as_secs_f64(),
            cost.client.as_secs_f64(),
            cost.server.as_secs_f64(),
            cost.total().as_secs_f64() / first.total().as_secs_f64(),
            cost.peak >> 20,
        );
    }
}
