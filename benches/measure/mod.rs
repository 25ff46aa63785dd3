//! What a command costs: wall time, processor time of the client's processes and of the server, peak memory.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Cluster;

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub wall: Duration,
    /// Processor time of the command and of all it started.
    pub client: Duration,
    /// Processor time of the server's processes; none if the server is not ours to look at.
    pub server: Duration,
    /// Peak resident memory of the largest client process, in bytes.
    pub peak: u64,
}

impl Measured {
    /// Processor time of both sides.
    pub fn total(&self) -> Duration {
        self.client + self.server
    }
}

/// Runs a command to its end; `None` if it fails.
pub fn measure(server: Option<&Cluster>, command: &mut Command) -> Option<Measured> {
    let server_time = || server.map_or(Duration::ZERO, |s| server_time(s.socket_dir().join("data")));
    let (client_before, server_before) = (children_time(), server_time());
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .expect("the command can be run");
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_of_descendants(child.id()));
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let wall = began.elapsed();
    // The last connection may still be saying goodbye.
    std::thread::sleep(Duration::from_millis(300));
    status.success().then(|| Measured {
        wall,
        client: children_time() - client_before,
        server: server_time() - server_before,
        peak,
    })
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
