//! Private PostgreSQL servers that never outlive the tests.
//!
//! Each server has a keeper, a small shell script in a process group of its own. It makes the cluster, starts it,
//! and reads words from a pipe whose other end only the test process holds. However that process ends, by its end, a
//! panic, Ctrl-C or kill -9, the pipe closes; the keeper then stops the server and removes its directory. A
//! destructor could not: statics are never dropped.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::database::Db;

/// What the keeper runs: the programs' directory, the cluster's, then initdb's own arguments.
const KEEPER: &str = r#"
bin=$1; dir=$2; shift 2
ctl() { "$bin/pg_ctl" -D "$dir/data" -w -t 120 "$@" >>"$dir/keeper.log"; }
while read -r word; do
    case $word in
        make) "$bin/initdb" -D "$dir/data" "$@" >>"$dir/keeper.log" && echo made ;;
        start) { ctl -l "$dir/server.log" start && echo ready; } || { cat "$dir/server.log" >&2; false; } ;;
        crash) ctl -m immediate stop && echo stopped ;;
    esac || echo failed
done
[ -e "$dir/data/postmaster.pid" ] && ctl -m immediate stop
rm -rf "$dir"
"#;

/// Settings that every cluster gets. Half of them make it fast; the other half are what a dump must not depend on,
/// set to what no program would expect.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
wal_level = logical
max_wal_senders = 8
max_replication_slots = 8
max_prepared_transactions = 10
max_connections = 150
max_locks_per_transaction = 256
shared_buffers = 64MB
autovacuum = off
log_min_messages = fatal
logging_collector = off
listen_addresses = '127.0.0.1'
datestyle = 'German, DMY'
intervalstyle = 'sql_standard'
timezone = 'Asia/Kathmandu'
extra_float_digits = -3
bytea_output = 'escape'
";

/// How a cluster differs from the ordinary one.
#[derive(Default)]
pub struct Setup<'a> {
    /// Lines for postgresql.conf, after the ordinary ones.
    pub conf: &'a str,
    /// The whole pg_hba.conf; everyone is trusted otherwise.
    pub hba: Option<&'a str>,
    /// Files for the data directory, readable by the server alone (certificates and their keys).
    pub files: &'a [(&'a str, &'a str)],
    /// Further arguments for initdb.
    pub initdb: &'a [&'a str],
}

/// A running server with its superuser `postgres`, on a unix socket and a TCP port of the loopback interface.
pub struct Cluster {
    major: u32,
    dir: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
    databases: AtomicU32,
}

struct Keeper {
    child: Child,
    /// `None` once dropped, which tells the keeper to clean up.
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// Makes and starts a server, for one test alone. It is gone when this is dropped.
    pub fn start(major: u32, setup: &Setup) -> Cluster {
        // Before anything is made that a panic would leave behind.
        let initdb = super::server_program(major, "initdb");
        let dir = new_directory();
        let port = free_port();
        let user = unprivileged_user();
        let bin = initdb.parent().expect("a program has a directory").to_path_buf();
        let mut command = as_user(Command::new("/bin/sh"), user);
        command.args(["-c", KEEPER, "keeper"]).arg(bin).arg(&dir);
        command.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ]);
        if !setup.initdb.iter().any(|a| a.starts_with("--locale")) {
            command.arg("--locale=C.UTF-8");
        }
        command.args(setup.initdb);
        // Ctrl-C in the terminal goes to the foreground's process group, and the keeper must outlive it.
        command.process_group(0);
        let mut keeper = Keeper::begin(command);
        keeper.tell("make", "made");

        let data = dir.join("data");
        let conf =
            std::fs::read_to_string(data.join("postgresql.conf")).expect("initdb wrote postgresql.conf");
        let socket = format!("port = {port}\nunix_socket_directories = '{}'\n", dir.display());
        write(
            &data,
            "postgresql.conf",
            &[&conf, SETTINGS, &socket, setup.conf].concat(),
            user,
        );
        if let Some(hba) = setup.hba {
            write(&data, "pg_hba.conf", hba, user);
        }
        for (name, content) in setup.files {
            write(&data, name, content, user);
        }
        keeper.tell("start", "ready");
        Cluster {
            major,
            dir,
            port,
            keeper: Mutex::new(keeper),
            databases: AtomicU32::new(0),
        }
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Its TCP port on 127.0.0.1, and the number in its socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.dir
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("server.log")).expect("the server has a log")
    }

    /// The URI of a database of any name, over TCP.
    pub fn uri(&self, dbname: &str) -> String {
        format!(
            "postgresql://postgres@127.0.0.1:{}/{}",
            self.port,
            percent(dbname)
        )
    }

    /// The same over the unix socket.
    pub fn socket_uri(&self, dbname: &str) -> String {
        let dir = percent(&self.dir.to_string_lossy());
        format!("postgresql://postgres@{dir}:{}/{}", self.port, percent(dbname))
    }

    /// Points a program at this server by `PGHOST`, `PGPORT`, `PGUSER` and `PGDATABASE`.
    pub fn env<'c>(&self, command: &'c mut Command, dbname: &str) -> &'c mut Command {
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres")
            .env("PGDATABASE", dbname)
    }

    /// A fresh empty database whose name begins with this one; dropped with the value.
    pub fn database(&self, name: &str) -> Db<'_> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        Db::create(self, &format!("{name}_{number}"), "")
    }

    /// A fresh empty database of exactly this name. Only one test at a time can have it.
    pub fn database_named(&self, name: &str) -> Db<'_> {
        Db::create(self, name, "")
    }

    /// A fresh database with further options of CREATE DATABASE, e.g. `ENCODING 'LATIN1' LOCALE 'C' TEMPLATE
    /// template0`.
    pub fn database_with(&self, name: &str, options: &str) -> Db<'_> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        Db::create(self, &format!("{name}_{number}"), options)
    }

    /// The maintenance database, for statements about roles and databases.
    pub fn postgres(&self) -> Db<'_> {
        Db::existing(self, "postgres")
    }

    /// Ends the server as a crash does: at once, every connection with it.
    pub fn crash(&self) {
        self.tell("crash", "stopped");
    }

    /// Starts it again after [`Cluster::crash`].
    pub fn start_again(&self) {
        self.tell("start", "ready");
    }

    fn tell(&self, word: &str, answer: &str) {
        self.keeper
            .lock()
            .expect("no test died holding the keeper")
            .tell(word, answer);
    }
}

impl Keeper {
    fn begin(mut command: Command) -> Keeper {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("/bin/sh can be run");
        let words = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Keeper {
            child,
            words,
            answers,
        }
    }

    fn tell(&mut self, word: &str, answer: &str) {
        let words = self.words.as_mut().expect("the keeper listens until dropped");
        writeln!(words, "{word}").expect("the keeper listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the keeper answers");
        assert_eq!(
            line.trim_end(),
            answer,
            "the server's keeper could not {word}; its complaint stands above"
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(|e| e.into_inner());
        keeper.words = None;
        // Nothing to be done about a keeper that failed; its own output says why.
        let _ = keeper.child.wait();
    }
}

fn new_directory() -> PathBuf {
    let temp = std::env::temp_dir();
    // The path of a unix socket has at most 107 bytes.
    let base = if temp.as_os_str().len() < 60 {
        temp
    } else {
        "/tmp".into()
    };
    let dir = tempfile::Builder::new()
        .prefix("pgstow-test-")
        .tempdir_in(base)
        .expect("a temporary directory can be made")
        .keep();
    if let Some((uid, gid)) = unprivileged_user() {
        std::os::unix::fs::chown(&dir, Some(uid), Some(gid)).expect("root may give directories away");
    }
    // Programs under test may run as someone else than the server, and must reach its socket.
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    dir
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Whom to run a server as, when we are root: a server refuses to run as root.
fn unprivileged_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
    let ids = |wanted: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields[0] == wanted).then(|| {
                (
                    fields[2].parse().expect("a uid"),
                    fields[3].parse().expect("a gid"),
                )
            })
        })
    };
    Some(
        ids("postgres")
            .or_else(|| ids("nobody"))
            .expect("root needs a user postgres or nobody for servers"),
    )
}

fn as_user(command: Command, user: Option<(u32, u32)>) -> Command {
    let mut command = super::clean(command);
    command.env("LC_ALL", "C.UTF-8").current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn write(dir: &Path, name: &str, content: &str, user: Option<(u32, u32)>) {
    let path = dir.join(name);
    std::fs::write(&path, content).expect("the data directory is writable");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(&path, Some(uid), Some(gid)).expect("root may give files away");
    }
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
