//! The container image is `FROM scratch`: the static binary must do its work in an empty root.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{self, Db};

/// An empty root with the binary, a volume for backups and a hosts file, and nothing else.
struct EmptyRoot {
    dir: tempfile::TempDir,
}

impl EmptyRoot {
    fn new() -> EmptyRoot {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let root = dir.path();
        for name in ["etc", "backups", "usr/local/bin"] {
            std::fs::create_dir_all(root.join(name)).expect("it is ours");
        }
        std::fs::write(root.join("etc/hosts"), "127.0.0.1 database.internal\n").expect("it is ours");
        std::fs::write(root.join("etc/resolv.conf"), "nameserver 127.66.66.66\n").expect("it is ours");
        put_static_binary(&root.join("usr/local/bin/pgstow"));
        EmptyRoot { dir }
    }

    /// pgstow in this root, pointed at a database by a host name.
    fn pgstow(&self, db: &Db) -> Command {
        // Only root may change its root; for others there are user namespaces.
        let mut command = if rustix::process::geteuid().is_root() {
            Command::new("chroot")
        } else {
            let mut unshare = Command::new("unshare");
            unshare.args(["--map-root-user", "chroot"]);
            unshare
        };
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        db.env(&mut command)
            .env("PGHOST", "database.internal")
            .env("BACKUP_DIR", "/backups");
        command.arg(self.dir.path()).arg("/usr/local/bin/pgstow");
        command
    }

    fn backups(&self) -> Vec<String> {
        let daily = self.dir.path().join("backups/daily");
        let files = std::fs::read_dir(&daily).expect("the backup made its directory");
        files
            .map(|entry| {
                entry
                    .expect("it is readable")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| name.ends_with(".sql.gz"))
            .collect()
    }
}

/// The binary under test where it is static already, as `make test` builds it; otherwise one built for this.
fn put_static_binary(to: &Path) {
    let built = env!("CARGO_BIN_EXE_pgstow");
    let said = support::run(Command::new("ldd").arg(built));
    if ["statically linked", "not a dynamic executable"]
        .iter()
        .any(|s| format!("{said}").contains(s))
    {
        std::fs::copy(built, to).expect("it can be copied");
    } else {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/build-static");
        support::run(Command::new(script).arg("dev").arg(to)).ok();
    }
}

#[test]
fn backup_list_verify_and_restore_work_in_an_empty_root() {
    let root = EmptyRoot::new();
    let server = support::server(support::newest());
    let (source, copy) = (server.database("scratch"), server.database("scratch_copy"));
    source.execute("CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 5000) i;");

    let done = support::run(root.pgstow(&source).arg("backup")).ok();
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(said.contains("Backup created successfully: "), "{done}");
    let backups = root.backups();
    assert_eq!(backups.len(), 1, "{backups:?}");
    assert!(backups[0].starts_with(source.name()), "{backups:?}");
    let file = format!("/backups/daily/{}", backups[0]);

    let done = support::run(root.pgstow(&source).arg("list")).ok();
    assert!(done.stdout.contains(&backups[0]), "{done}");
    support::run(root.pgstow(&source).args(["verify", &file])).ok();
    support::run(root.pgstow(&copy).args(["restore", "--yes", &file])).ok();
    let digest = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t";
    assert_eq!(copy.query_text(digest), source.query_text(digest));
}

#[test]
fn the_daemon_works_in_an_empty_root_and_ends_when_told() {
    let root = EmptyRoot::new();
    let server = support::server(support::newest());
    let db = server.database("scratch_daemon");
    db.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);");
    let mut command = root.pgstow(&db);
    command
        .arg("schedule")
        .envs([("SCHEDULE", "0 3 * * *"), ("TZ", "Europe/Berlin")]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("chroot can be run");
    let began = Instant::now();
    let whole =
        || std::fs::read_dir(root.dir.path().join("backups/daily")).is_ok() && !root.backups().is_empty();
    while !whole() || support::run(root.pgstow(&db).arg("health")).code != 0 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no healthy backup within a minute"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let pid = rustix::process::Pid::from_child(&child);
    let began = Instant::now();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
    let done = support::Done::of(child).ok();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        began.elapsed()
    );
    // Zone data is compiled in.
    assert!(
        done.stderr.contains("[INFO] next backup at ") && done.stderr.contains("03:00:00 CE"),
        "{done}"
    );
}

/// Answers questions about `db.example.test` with 127.0.0.1 and knows no other name, on the address that the empty root's resolv.conf names. Only root
/// may use its port.
fn answer_names(stop: &AtomicBool, socket: &UdpSocket) {
    let mut question = [0; 512];
    while !stop.load(Ordering::SeqCst) {
        let Ok((length, from)) = socket.recv_from(&mut question) else {
            continue;
        };
        // The question's end: its name's labels, then type and class.
        let mut end = 12;
        while question[end] != 0 {
            end += usize::from(question[end]) + 1;
        }
        let known = &question[12..end] == b"\x02db\x07example\x04test";
        let is_a = known && question[end + 1..end + 3] == [0, 1];
        end += 5;
        assert!(end <= length, "a question is whole");
        let mut answer = question[..end].to_vec();
        answer[2..12].copy_from_slice(&[
            0x81,
            if known { 0x80 } else { 0x83 },
            0,
            1,
            0,
            u8::from(is_a),
            0,
            0,
            0,
            0,
        ]);
        if is_a {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&answer, from);
    }
}

#[test]
fn a_name_that_only_the_dns_knows_is_resolved_in_an_empty_root() {
    let socket = UdpSocket::bind("127.66.66.66:53").expect(
        "this test answers the DNS's questions, for which only root may take the port: run it as root",
    );
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("it can wait");
    let root = EmptyRoot::new();
    let server = support::server(support::newest());
    let db = server.postgres();
    let stop = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| answer_names(&stop, &socket));
        let done = support::run(root.pgstow(&db).env("PGHOST", "db.example.test").arg("backup"));
        stop.store(true, Ordering::SeqCst);
        done
    });
    done.ok();
    assert_eq!(root.backups().len(), 1);
}

#[test]
fn a_host_name_nobody_knows_is_said_so_in_an_empty_root() {
    let root = EmptyRoot::new();
    let server = support::server(support::newest());
    let db = server.postgres();
    let done = support::run(root.pgstow(&db).env("PGHOST", "nowhere.internal").arg("backup"));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("nowhere.internal"), "{done}");
}
