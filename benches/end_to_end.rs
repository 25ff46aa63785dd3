//! Whole dumps against the tools that people use, in one run on one data set: wall time, processor time of client and
//! server, peak memory, size. Ratios are to the first line, the script `pg_dump --format=plain | gzip`.
//!
//!     PGSTOW_BENCH_SCALE=1 PGSTOW_BENCH_ROUNDS=3 cargo bench --bench end_to_end
//!
//! Of several rounds the fastest counts. See `dataset` for further variables.

#[path = "dataset/mod.rs"]
mod dataset;
#[path = "measure/mod.rs"]
mod measure;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Measured, measure};

/// One way to dump a database: `$DUMP` is pg_dump with the script's options, `$URI` the database, `$OUT` the file.
const WAYS: &[(&str, &str)] = &[
    ("pg_dump \\| gzip", "$DUMP --format=plain | gzip > $OUT"),
    ("pg_dump > /dev/null", "$DUMP --format=plain > /dev/null"),
    ("pg_dump \\| pigz -p2", "$DUMP --format=plain | pigz -p2 > $OUT"),
    ("pg_dump -Fd -j2", "$DUMP --format=directory --jobs=2 --file=$OUT"),
    ("pg_dump \\| zstd -1", "$DUMP --format=plain | zstd -q -1 > $OUT"),
    ("COPY of all tables > /dev/null", "$COPY > /dev/null"),
    ("**pgstow** gzip", "$PGSTOW --jobs 2 --compress gzip --file $OUT"),
    (
        "**pgstow** gzip:2",
        "$PGSTOW --jobs 2 --compress gzip:2 --file $OUT",
    ),
    (
        "**pgstow** gzip:6",
        "$PGSTOW --jobs 2 --compress gzip:6 --file $OUT",
    ),
    (
        "**pgstow** zstd:1",
        "$PGSTOW --jobs 2 --compress zstd:1 --file $OUT",
    ),
    (
        "**pgstow** zstd:3",
        "$PGSTOW --jobs 2 --compress zstd:3 --file $OUT",
    ),
    (
        "**pgstow** none > /dev/null",
        "$PGSTOW --jobs 2 --compress none --file /dev/null",
    ),
];

fn main() {
    let (server, uri) = dataset::prepare();
    let rounds: usize =
        std::env::var("PGSTOW_BENCH_ROUNDS").map_or(1, |n| n.parse().expect("a number of rounds"));
    let only = std::env::var("PGSTOW_BENCH_ONLY").unwrap_or_default();
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let script = Script::new(server, uri, dir.path());
    let mut best: Vec<(&str, Dumped)> = Vec::new();
    for round in 0..rounds {
        for (name, way) in WAYS.iter().filter(|(name, _)| name.contains(&only)) {
            let Some(dumped) = script.run(way) else {
                eprintln!("{name}: cannot be run here");
                continue;
            };
            eprintln!("round {}: {name}: {dumped:?}", round + 1);
            match best.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) if dumped.cost.wall < known.cost.wall => *known = dumped,
                Some(_) => {}
                None => best.push((name, dumped)),
            }
        }
    }
    print(&best);
}

/// What one dump cost and gave.
#[derive(Debug, Clone, Copy)]
struct Dumped {
    cost: Measured,
    /// Bytes of the file or directory.
    size: u64,
}

/// The shell's variables for the ways above.
struct Script {
    server: Option<support::Cluster>,
    prologue: String,
    out: PathBuf,
}

impl Script {
    fn new(server: Option<support::Cluster>, uri: String, dir: &Path) -> Script {
        let out = dir.join("out");
        let program = |command: Command| command.get_program().to_string_lossy().into_owned();
        let (pg_dump, psql) = (program(support::pg_dump_of(15)), program(support::psql()));
        let pgstow = env!("CARGO_BIN_EXE_pgstow");
        let options = "--clean --if-exists --no-owner --no-privileges";
        let tables = "SELECT format('COPY %s TO STDOUT;', oid::regclass) FROM pg_class \
                      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        let prologue = format!(
            "set -e -o pipefail; URI='{uri}'; OUT='{}'
             DUMP='{pg_dump} {options} --dbname={uri}'
             PGSTOW='{pgstow} dump --quiet {options} --dbname {uri}'
             copies=$({psql} -XAtc \"{tables}\" \"$URI\")
             copy_all() {{ {psql} -Xqc \"$copies\" \"$URI\"; }}; COPY=copy_all
             ",
            out.display()
        );
        Script {
            server,
            prologue,
            out,
        }
    }

    /// Runs one way to dump; `None` if a program is missing.
    fn run(&self, way: &str) -> Option<Dumped> {
        let _ = std::fs::remove_file(&self.out);
        let _ = std::fs::remove_dir_all(&self.out);
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("{}{way}", self.prologue)]);
        let cost = measure(self.server.as_ref(), &mut bash)?;
        let size = size(&self.out);
        Some(Dumped { cost, size })
    }
}

fn size(path: &Path) -> u64 {
    let Ok(meta) = std::fs::metadata(path) else {
        return 0;
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let entries = std::fs::read_dir(path).expect("it is a directory");
    entries.map(|e| size(&e.expect("it can be read").path())).sum()
}

/// The table of the README.
fn print(all: &[(&str, Dumped)]) {
    let Some((_, script)) = all.first().copied() else {
        return;
    };
    println!(
        "| command | wall | of the script | client CPU | server CPU | total CPU of the script's | size of the script's | peak memory |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for (name, dumped) in all {
        let cost = dumped.cost;
        let size = match dumped.size {
            0 => String::new(),
            size => format!("{:.3}", size as f64 / script.size as f64),
        };
        println!(
            "| {name} | {:.2} s | {:.3} | {:.2} s | {:.2} s | {:.2} | {size} | {} MiB |",
            cost.wall.as_secs_f64(),
            cost.wall.as_secs_f64() / script.cost.wall.as_secs_f64(),
            cost.client.as_secs_f64(),
            cost.server.as_secs_f64(),
            cost.total().as_secs_f64() / script.cost.total().as_secs_f64(),
            cost.peak >> 20,
        );
    }
}
