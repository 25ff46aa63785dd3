//! How fast and how small our gzip encoder is beside others, on one core, per kind of COPY text.
//!
//! ```text
//! cargo bench --bench deflate                    # made-up rows of all kinds, general text
//! cargo bench --bench deflate -- FILE ...        # your own text
//! ```
//!
//! Each encoder gets the same text in members of the same size, in turns, and the least processor time of all rounds
//! counts, so that a busy machine disturbs all alike. Time includes checksum and framing. `gzip -6` runs as a program.

#[path = "data.rs"]
mod data;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use flate2::write::GzEncoder;
use libdeflater::{CompressionLvl, Compressor};
use rustix::time::{ClockId, clock_gettime};

const MIB: usize = 1 << 20;
const ROUNDS: usize = 7;

/// What each encoder made of a text: least time in seconds, bytes.
type Results = Vec<(f64, usize)>;

/// An encoder by name: one member in, its bytes behind what is there.
type Contender = (&'static str, Box<dyn FnMut(&[u8], &mut Vec<u8>)>);

fn contenders() -> Vec<Contender> {
    let mut encoder = pgstow::deflate::Encoder::new();
    let mut contenders: Vec<Contender> = vec![(
        "pgstow",
        Box::new(move |text, out| encoder.encode_member(text, out)),
    )];
    for (name, level) in [("libdeflate 1", 1), ("libdeflate 4", 4), ("libdeflate 6", 6)] {
        let mut compressor = Compressor::new(CompressionLvl::new(level).expect("the level exists"));
        contenders.push((
            name,
            Box::new(move |text, out| {
                let start = out.len();
                out.resize(start + compressor.gzip_compress_bound(text.len()), 0);
                let size = compressor
                    .gzip_compress(text, &mut out[start..])
                    .expect("the bound holds");
                out.truncate(start + size);
            }),
        ));
    }
    for (name, level) in [("zlib-rs 1", 1), ("zlib-rs 3", 3), ("zlib-rs 6", 6)] {
        contenders.push((
            name,
            Box::new(move |text, out| {
                let mut gzip = GzEncoder::new(out, flate2::Compression::new(level));
                gzip.write_all(text)
                    .and_then(|()| gzip.finish().map(drop))
                    .expect("memory takes all");
            }),
        ));
    }
    contenders
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("time is positive")
}

/// Runs all contenders over `text` in members of `member` bytes.
fn measure(contenders: &mut [Contender], text: &[u8], member: usize) -> Results {
    let mut results = vec![(f64::MAX, 0); contenders.len()];
    let mut out = Vec::with_capacity(text.len() * 2);
    for _ in 0..ROUNDS {
        for ((_, encode), (best, size)) in contenders.iter_mut().zip(&mut results) {
            out.clear();
            let start = processor_time();
            text.chunks(member).for_each(|member| encode(member, &mut out));
            *best = best.min((processor_time() - start).as_secs_f64());
            *size = out.len();
        }
    }
    results
}

/// Seconds and bytes of `gzip -6` as a program, its processor time taken from the shell's `times`.
fn gzip(text: &[u8]) -> (f64, usize) {
    let mut child = Command::new("sh")
        .args(["-c", "gzip -6 -c; times >&2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh runs");
    let mut stdin = child.stdin.take().expect("it was piped");
    let text = text.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&text));
    let output = child.wait_with_output().expect("gzip ends");
    feeder.join().expect("it does not panic").expect("gzip reads all");
    let times = String::from_utf8_lossy(&output.stderr);
    let children = times
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().next())
        .expect("two lines of times");
    let (minutes, seconds) = children
        .trim_end_matches('s')
        .split_once('m')
        .expect("as in 0m0.42s");
    let seconds = minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.parse::<f64>().expect("seconds");
    (seconds, output.stdout.len())
}

/// Source code: that of this crate, file after file.
fn own_source() -> Vec<u8> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the source is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |file: &PathBuf| std::fs::read(file).expect("it can be read");
    files.iter().flat_map(read).collect()
}

/// A line of the table: MB/s and size relative to `gzip -6`, seconds and sizes being of `bytes` bytes.
fn print_line(name: &str, results: &[(f64, f64)], reference: f64) {
    print!("{name:<10}");
    for (seconds, size) in results {
        print!(" {:>6.0} {:>6.3}", 1.0 / seconds / 1e6, size / reference);
    }
    println!();
}

fn main() {
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let texts: Vec<(String, Vec<u8>, usize)> = if files.is_empty() {
        let made_up = data::KINDS
            .iter()
            .chain(data::GENERAL)
            .map(|kind| (kind.name.to_string(), kind.bytes(8 * MIB), kind.share));
        made_up.chain([("source".to_string(), own_source(), 0)]).collect()
    } else {
        let read = |file: &String| std::fs::read(file).unwrap_or_else(|e| panic!("cannot read {file}: {e}"));
        let name = |file: &String| file.rsplit('/').next().unwrap_or(file).to_string();
        files
            .iter()
            .map(|file| (name(file), read(file), 100 / files.len()))
            .collect()
    };
    let gzips: Vec<(f64, usize)> = texts.iter().map(|(_, text, _)| gzip(text)).collect();
    let mut contenders = contenders();
    for member in [MIB, 256 << 10] {
        println!(
            "\nMembers of {} KiB: MB/s of one core, size relative to gzip -6",
            member >> 10
        );
        print!("{:<10}", "");
        contenders
            .iter()
            .map(|(name, _)| *name)
            .chain(["gzip -6"])
            .for_each(|name| print!(" {name:>13}"));
        println!();
        let mut mix = vec![(0.0, 0.0); contenders.len() + 1];
        for ((name, text, share), gzip) in texts.iter().zip(&gzips) {
            let mut results = measure(&mut contenders, text, member);
            results.push(*gzip);
            let a_byte = |value: f64| value / text.len() as f64;
            let results: Vec<(f64, f64)> = results
                .iter()
                .map(|(s, b)| (a_byte(*s), a_byte(*b as f64)))
                .collect();
            print_line(name, &results, results.last().expect("gzip is one").1);
            for (total, result) in mix.iter_mut().zip(&results) {
                total.0 += result.0 * *share as f64 / 100.0;
                total.1 += result.1 * *share as f64 / 100.0;
            }
        }
        let (gzip_seconds, gzip_size) = *mix.last().expect("gzip is one");
        print_line("mix", &mix, gzip_size);
        println!(
            "pgstow on the mix: {:.2} times libdeflate 1, {:.1} times gzip -6, which shrinks it {:.2} times",
            mix[1].0 / mix[0].0,
            gzip_seconds / mix[0].0,
            1.0 / gzip_size
        );
    }
}
