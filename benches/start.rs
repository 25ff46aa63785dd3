//! How large the program is, and how long it takes from nothing to its first answer. A health check starts it every few
//! seconds. Promised: less than 12 MB, less than 10 ms.
//!
//!     cargo bench --bench start

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;

fn main() {
    let program = env!("CARGO_BIN_EXE_pgstow");
    let bytes = std::fs::metadata(program).expect("it was built").len();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let clock = Instant::now();
            let done = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            assert!(done.expect("it can be run").success());
            clock.elapsed()
        })
        .collect();
    times.sort();
    println!("size   {:.1} MB", bytes as f64 / 1e6);
    println!(
        "start  {:.1} ms at the median, {:.1} ms at most, of {ROUNDS} (pgstow --version)",
        times[ROUNDS / 2].as_secs_f64() * 1e3,
        times[ROUNDS - 1].as_secs_f64() * 1e3
    );
}
