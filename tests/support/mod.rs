//! What the tests stand on: private PostgreSQL servers of every major, fresh databases in them, the programs under
//! test and the oracles.
//!
//! ```ignore
//! let db = support::server(16).database("shop");
//! db.execute("CREATE TABLE t (a int)");
//! let done = support::run(support::pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file));
//! assert_eq!(done.code, 0, "{done}");
//! ```
//!
//! `scripts/fetch-servers` puts servers and oracles in place; without them the tests fail, they never skip.
//! `PGSTOW_TEST_MAJORS=15,16` narrows what is tested while developing.

mod cluster;
mod database;
mod started;
mod terminal;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Once, OnceLock};
use std::time::Duration;

pub use cluster::{Cluster, Setup};
pub use database::Db;
pub use started::{Started, name, signal, start, wait_until};
pub use terminal::Terminal;

/// Every major that pgstow promises to work with.
pub const ALL_MAJORS: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// No program of a test takes longer, even on a busy machine.
const LONGEST: Duration = Duration::from_secs(300);

/// The majors to test: all, unless a developer narrowed them.
pub fn majors() -> Vec<u32> {
    static SAY: Once = Once::new();
    let Ok(text) = std::env::var("PGSTOW_TEST_MAJORS") else {
        return ALL_MAJORS.to_vec();
    };
    let majors: Vec<u32> = text
        .split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| match word.parse() {
            Ok(major) if ALL_MAJORS.contains(&major) => major,
            _ => {
                panic!("PGSTOW_TEST_MAJORS is {text:?}; expected majors like \"15,16\" out of {ALL_MAJORS:?}")
            }
        })
        .collect();
    assert!(!majors.is_empty(), "PGSTOW_TEST_MAJORS is set but names no major");
    SAY.call_once(|| eprintln!("PGSTOW_TEST_MAJORS narrows this run to {majors:?}"));
    majors
}

/// The newest major under test: what a test uses that needs just some server.
pub fn newest() -> u32 {
    majors().into_iter().max().expect("there is at least one major")
}

/// The server of this major that all tests of the process share; started at first use.
///
/// A test that stops its server, or needs one set up otherwise, takes its own: [`Cluster::start`].
pub fn server(major: u32) -> &'static Cluster {
    static SHARED: [OnceLock<Cluster>; ALL_MAJORS.len()] = [const { OnceLock::new() }; ALL_MAJORS.len()];
    let index = ALL_MAJORS
        .iter()
        .position(|&m| m == major)
        .unwrap_or_else(|| panic!("PostgreSQL {major} is none of {ALL_MAJORS:?}"));
    SHARED[index].get_or_init(|| Cluster::start(major, &Setup::default()))
}

/// Runs something async, on threads of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// The shared servers of all majors under test, each started when the iterator comes to it.
pub fn servers() -> impl Iterator<Item = &'static Cluster> {
    majors().into_iter().map(server)
}

/// Where `scripts/fetch-servers` put things. Without symbolic links: for root the last step may lead out of a checkout
/// which the server's user cannot enter.
fn fetched() -> PathBuf {
    let named = std::env::var_os("PGSTOW_SERVERS").map(PathBuf::from);
    // Beside target/tmp, or a step further up when a build target was named.
    let beside = || {
        let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        tmp.ancestors()
            .skip(1)
            .take(2)
            .map(|dir| dir.join("servers"))
            .find(|dir| dir.exists())
    };
    let dir = named
        .or_else(beside)
        .expect("no servers: run scripts/fetch-servers (or make test, which does)");
    dir.canonicalize().unwrap_or(dir)
}

/// A program of the server of this major: `initdb`, `pg_ctl`, `postgres`.
pub fn server_program(major: u32, name: &str) -> PathBuf {
    program(&major.to_string(), name)
}

fn program(package: &str, name: &str) -> PathBuf {
    let path = fetched().join(package).join("bin").join(name);
    assert!(
        path.exists(),
        "{} is not there: run scripts/fetch-servers (or make test, which does)",
        path.display()
    );
    path
}

/// pg_dump of the newest major: it describes every server.
pub fn pg_dump() -> Command {
    clean(Command::new(program("tools-18", "pg_dump")))
}

/// The majors whose own pg_dump and pg_dumpall are at hand.
pub const CLIENT_MAJORS: [u32; 6] = [13, 14, 15, 16, 17, 18];

/// pg_dump of a certain major.
pub fn pg_dump_of(major: u32) -> Command {
    client_of(major, "pg_dump")
}

/// pg_dumpall of a certain major.
pub fn pg_dumpall_of(major: u32) -> Command {
    client_of(major, "pg_dumpall")
}

fn client_of(major: u32, name: &str) -> Command {
    assert!(CLIENT_MAJORS.contains(&major), "there is no {name} of {major}");
    // 15 is the machine's own, or the server's package has its programs too.
    let package = if major == 15 {
        "15".to_string()
    } else {
        format!("tools-{major}")
    };
    clean(Command::new(program(&package, name)))
}

/// PgBouncer.
pub fn pgbouncer() -> Command {
    clean(Command::new(program("pgbouncer", "pgbouncer")))
}

/// `age` or `age-keygen`, the reference implementation of its format.
pub fn age(name: &str) -> Command {
    clean(Command::new(program("age", name)))
}

/// direnv, a program in Go that downloads files, and decodes gzip with Go's own library.
pub fn direnv() -> Command {
    clean(Command::new(program("direnv", "direnv")))
}

/// pg_dumpall of the newest major.
pub fn pg_dumpall() -> Command {
    clean(Command::new(program("tools-18", "pg_dumpall")))
}

/// psql of the newest major, without the user's start-up file.
pub fn psql() -> Command {
    let mut psql = clean(Command::new(program("tools-18", "psql")));
    psql.arg("--no-psqlrc");
    psql
}

/// The binary under test, deaf to the environment of whoever runs the tests.
pub fn pgstow() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_pgstow")))
}

/// Takes away every variable that could change what a program does.
fn clean(mut command: Command) -> Command {
    const OURS: [&str; 8] = [
        "BACKUP_DIR",
        "SCHEDULE",
        "TZ",
        "RUST_LOG",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "SERVICE",
    ];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let tool_setting = name.starts_with("PG") && name != "PGSTOW_SERVERS";
        let place = ["KEEP_", "OFFSITE_", "AWS_", "GOOGLE_", "AZURE_", "AGE_"];
        if tool_setting || place.iter().any(|prefix| name.starts_with(prefix)) || OURS.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a finished program left behind.
#[derive(Debug)]
pub struct Done {
    /// The exit code; 128 + the signal's number for one that a signal ended, as a shell has it.
    pub code: i32,
    /// Standard output, as text.
    pub stdout: String,
    /// Standard error, as text.
    pub stderr: String,
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- standard output\n{}", self.code, self.stdout)?;
        write!(f, "--- standard error\n{}", self.stderr)
    }
}

impl Done {
    /// Waits for a started program whose output is piped. One that hangs is killed, so that the test fails and the run
    /// goes on.
    pub fn of(child: std::process::Child) -> Done {
        let id = rustix::process::Pid::from_child(&child);
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            let hung = end.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout);
            if hung {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
            hung
        });
        let output = child.wait_with_output().expect("the program can be waited for");
        drop(ended);
        let mut done = Done::from(output);
        if guard.join().expect("the guard does not panic") {
            done.stderr += &format!("killed by the test: it did not end within {LONGEST:?}");
        }
        done
    }

    /// This, but a panic with all its output when the program failed.
    #[track_caller]
    pub fn ok(self) -> Done {
        assert_eq!(self.code, 0, "{self}");
        self
    }
}

impl From<std::process::Output> for Done {
    fn from(output: std::process::Output) -> Done {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Done {
            code: status
                .code()
                .or_else(|| status.signal().map(|s| 128 + s))
                .expect("it ended"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Done {
    match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => Done::of(child),
        Err(e) => panic!("{command:?} cannot be run: {e}"),
    }
}

/// Runs a program to its end with this on its standard input.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Done {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?} cannot be run: {e}"));
    let mut stdin = child.stdin.take().expect("standard input is piped");
    std::thread::scope(|scope| {
        // A program that stops reading early is no error of the test.
        scope.spawn(move || stdin.write_all(input).ok());
        Done::of(child)
    })
}
