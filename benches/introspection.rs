//! The definitions of a database with very many tables, dumped by pgstow and by pg_dump in turns: wall time, processor
//! time of client and server, peak memory, number of queries, and how pgstow's are to pg_dump's.
//!
//!     PGSTOW_BENCH_TABLES=10000 PGSTOW_BENCH_ROUNDS=3 cargo bench --bench introspection
//!
//! Each table has a primary key, two indexes, two defaults and a foreign key. The server is made for it and thrown away;
//! `PGSTOW_BENCH_MAJOR` chooses its major version among those that there is a pg_dump of: 15, 17 or 18. Of several rounds
//! the fastest counts.

#[allow(dead_code)]
#[path = "measure/mod.rs"]
mod measure;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use measure::{Measured, measure};
use support::{Cluster, Setup};

fn main() {
    let variable = |name: &str, default: u32| {
        std::env::var(name).map_or(default, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is {text:?}; expected a number"))
        })
    };
    let tables = variable("PGSTOW_BENCH_TABLES", 10_000);
    let rounds = variable("PGSTOW_BENCH_ROUNDS", 3).max(1);
    let major = variable("PGSTOW_BENCH_MAJOR", 18);
    let server = Cluster::start(
        major,
        &Setup {
            conf: "max_locks_per_transaction = 2000\nshared_buffers = '256MB'\nlog_min_messages = warning\n",
            ..Setup::default()
        },
    );
    eprintln!("making {tables} tables on PostgreSQL {major}");
    fill(&server, tables);

    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let programs: [(&str, Program); 2] = [("pg_dump", pg_dump), ("pgstow", pgstow)];
    let mut best: [Option<Measured>; 2] = [None, None];
    for round in 1..=rounds {
        for ((name, program), best) in programs.iter().zip(&mut best) {
            let file = dir.path().join(name);
            let mut command = program(&server.socket_uri("many"), &file, major);
            let measured = measure(Some(&server), &mut command);
            let measured = measured.unwrap_or_else(|| panic!("{command:?} failed"));
            eprintln!("round {round}: {name}: {measured:?}");
            if best.is_none_or(|best| measured.wall < best.wall) {
                *best = Some(measured);
            }
        }
    }
    let queries = programs.map(|(name, program)| {
        let uri = format!("{}?options=-c%20log_statement%3Dall", server.socket_uri("many"));
        let log = server.socket_dir().join("server.log");
        let before = logged_statements(&log);
        let file = dir.path().join(name);
        support::run(&mut program(&uri, &file, major)).ok();
        logged_statements(&log) - before
    });
    let [Some(theirs), Some(ours)] = best else {
        unreachable!("there was a round")
    };
    print(tables, major, (theirs, queries[0]), (ours, queries[1]));
}

/// A command that writes the definitions of the database at a URI to a file.
type Program = fn(&str, &Path, u32) -> Command;

fn pg_dump(uri: &str, file: &Path, major: u32) -> Command {
    let mut command = support::pg_dump_of(major);
    command
        .args(["--schema-only", "--dbname", uri, "--file"])
        .arg(file);
    command
}

fn pgstow(uri: &str, file: &Path, _: u32) -> Command {
    let mut command = support::pgstow();
    command
        .args([
            "dump",
            "--quiet",
            "--schema-only",
            "--compress",
            "none",
            "--dbname",
            uri,
            "--file",
        ])
        .arg(file);
    command
}

fn fill(server: &Cluster, tables: u32) {
    server.postgres().execute("CREATE DATABASE many");
    let script = format!(
        "SET client_min_messages = warning;
         SELECT format('CREATE TABLE t%s (id int PRIMARY KEY, name text DEFAULT ''x'', other int NOT NULL, \
             made timestamptz DEFAULT now()); CREATE INDEX ON t%s (name); CREATE INDEX ON t%s (other);', i, i, i)
         FROM generate_series(1, {tables}) i \\gexec
         SELECT format('ALTER TABLE t%s ADD FOREIGN KEY (other) REFERENCES t%s (id);', i, 1 + i::bigint * 7919 % {tables})
         FROM generate_series(1, {tables}) i \\gexec
         VACUUM ANALYZE;\n"
    );
    let mut psql = support::psql();
    server
        .env(&mut psql, "many")
        .args(["-q", "-v", "ON_ERROR_STOP=on"]);
    support::run_with_input(&mut psql, script.as_bytes()).ok();
}

/// Statements that the server's log speaks of.
fn logged_statements(log: &Path) -> usize {
    let log = std::fs::read(log).expect("the server writes a log");
    let log = String::from_utf8_lossy(&log);
    log.lines()
        .filter(|line| line.contains("LOG:  statement: ") || line.contains("LOG:  execute "))
        .count()
}

fn print(tables: u32, major: u32, theirs: (Measured, usize), ours: (Measured, usize)) {
    println!("| {tables} tables, PostgreSQL {major} | pg_dump | pgstow | ratio |");
    println!("| --- | --: | --: | --: |");
    let row = |what: &str, unit: &str, theirs: f64, ours: f64| {
        println!(
            "| {what} | {theirs:.2}{unit} | {ours:.2}{unit} | {:.2} |",
            ours / theirs
        );
    };
    let seconds = |what: &str, of: fn(&Measured) -> Duration| {
        row(what, " s", of(&theirs.0).as_secs_f64(), of(&ours.0).as_secs_f64());
    };
    seconds("wall time", |m| m.wall);
    seconds("client's processor time", |m| m.client);
    seconds("server's processor time", |m| m.server);
    let mib = |m: &Measured| m.peak as f64 / f64::from(1 << 20);
    row("client's peak memory", " MiB", mib(&theirs.0), mib(&ours.0));
    row("queries", "", theirs.1 as f64, ours.1 as f64);
}
