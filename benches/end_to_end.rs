//! Whole dumps against the tools that people use, in one run on one data set: wall time, processor time of client and
//! server, peak memory, size. Ratios are to the first line, the script `pg_dump --format=plain | gzip`.
//!
//!     PGSTOW_BENCH_SCALE=1 PGSTOW_BENCH_ROUNDS=3 cargo bench --bench end_to_end
//!
//! Of several rounds the fastest counts. See `dataset` for further variables.

#[path = "dataset/mod.rs"]
mod dataset;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One way to dump a database: `$DUMP` is pg_dump with the script's options, `$URI` the database, `$OUT` the file.
const WAYS: &[(&str, &str)] = &[
    ("pg_dump \\| gzip", "$DUMP --format=plain | gzip > $OUT"),
    ("pg_dump > /dev/null", "$DUMP --format=plain > /dev/null"),
    ("pg_dump \\| pigz -p2", "$DUMP --format=plain | pigz -p2 > $OUT"),
    ("pg_dump -Fd -j2", "$DUMP --format=directory --jobs=2 --file=$OUT"),
    ("pg_dump \\| zstd -1", "$DUMP --format=plain | zstd -q -1 > $OUT"),
    ("COPY of all tables > /dev/null", "$COPY > /dev/null"),
    ("**pgstow**", "$PGSTOW --jobs 2 --file $OUT"),
    (
        "**pgstow** gzip:1",
        "$PGSTOW --jobs 2 --compress gzip:1 --file $OUT",
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
    let mut best: Vec<(&str, Measured)> = Vec::new();
    for round in 0..rounds {
        for (name, way) in WAYS.iter().filter(|(name, _)| name.contains(&only)) {
            let Some(measured) = script.measure(way) else {
                eprintln!("{name}: cannot be run here");
                continue;
            };
            eprintln!("round {}: {name}: {measured:?}", round + 1);
            match best.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) if measured.wall < known.wall => *known = measured,
                Some(_) => {}
                None => best.push((name, measured)),
            }
        }
    }
    print(&best);
}

/// What one dump cost.
#[derive(Debug, Clone, Copy)]
struct Measured {
    wall: Duration,
    client: Duration,
    server: Duration,
    /// Peak resident memory of the largest client process, in bytes.
    peak: u64,
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
    fn measure(&self, way: &str) -> Option<Measured> {
        let _ = std::fs::remove_file(&self.out);
        let _ = std::fs::remove_dir_all(&self.out);
        let server = || {
            self.server.as_ref().map_or(Duration::ZERO, |server| {
                server_time(server.socket_dir().join("data"))
            })
        };
        let (client_before, server_before) = (children_time(), server());
        let began = Instant::now();
        let mut child = Command::new("bash")
            .args(["-c", &format!("{}{way}", self.prologue)])
            .stdin(Stdio::null())
            .spawn()
            .expect("bash can be run");
        let mut peak = 0;
        let status = loop {
            peak = peak.max(peak_of_descendants(child.id()));
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let wall = began.elapsed();
        // The last connection may still be saying goodbye.
        std::thread::sleep(Duration::from_millis(300));
        status.success().then(|| Measured {
            wall,
            client: children_time() - client_before,
            server: server() - server_before,
            peak,
            size: size(&self.out),
        })
    }
}

/// Fields of /proc/PID/stat from the state on, which is field 3.
fn stat(process: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(String::from).collect())
}

/// The sum of these fields, counted as proc(5) does, in ticks of a hundredth of a second.
fn ticks(fields: &[String], numbers: &[usize]) -> Duration {
    let ticks: u64 = numbers
        .iter()
        .filter_map(|n| fields[n - 3].parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Processor time of all our children that have ended.
fn children_time() -> Duration {
    stat("self").map_or(Duration::ZERO, |fields| ticks(&fields, &[16, 17]))
}

/// Processor time of a server: of its first process, of its children that have ended, and of those that live.
fn server_time(data: PathBuf) -> Duration {
    let pid = std::fs::read_to_string(data.join("postmaster.pid")).expect("the server runs");
    let pid = pid
        .lines()
        .next()
        .expect("the first line is its process id")
        .to_string();
    let own = stat(&pid).map_or(Duration::ZERO, |fields| ticks(&fields, &[14, 15, 16, 17]));
    let children = processes().filter_map(|process| {
        let fields = stat(&process)?;
        (fields[1] == pid).then(|| ticks(&fields, &[14, 15]))
    });
    own + children.sum()
}

fn processes() -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir("/proc").expect("there is a /proc");
    let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
}

/// The highest peak of memory of a process and those below it, in bytes.
fn peak_of_descendants(root: u32) -> u64 {
    let parents: Vec<(String, String)> = processes()
        .filter_map(|p| stat(&p).map(|fields| (p, fields[1].clone())))
        .collect();
    let mut family = vec![root.to_string()];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at].clone();
        family.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|(p, _)| p.clone()),
        );
        at += 1;
    }
    let peak = |process: &String| -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
    };
    family.iter().filter_map(peak).max().unwrap_or(0)
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
fn print(all: &[(&str, Measured)]) {
    let Some((_, script)) = all.first().copied() else {
        return;
    };
    println!(
        "| command | wall | of the script | client CPU | server CPU | total CPU of the script's | size of the script's | peak memory |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    for (name, m) in all {
        let size = match m.size {
            0 => String::new(),
            size => format!("{:.3}", size as f64 / script.size as f64),
        };
        println!(
            "| {name} | {:.2} s | {:.3} | {:.2} s | {:.2} s | {:.2} | {size} | {} MiB |",
            m.wall.as_secs_f64(),
            m.wall.as_secs_f64() / script.wall.as_secs_f64(),
            m.client.as_secs_f64(),
            m.server.as_secs_f64(),
            (m.client + m.server).as_secs_f64() / (script.client + script.server).as_secs_f64(),
            m.peak >> 20,
        );
    }
}
