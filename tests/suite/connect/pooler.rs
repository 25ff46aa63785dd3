//! A real PgBouncer between pgstow and the server.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use pgstow::connect::{Snapshot, SnapshotOptions};

use super::ground::{block_on, session};
use crate::support::{self, Cluster};

/// A running PgBouncer, ended by the end of this value or of the test process.
struct Pooler {
    shell: Child,
    port: u16,
    _files: tempfile::TempDir,
}

impl Pooler {
    fn start(server: &Cluster, mode: &str, pool_size: u32) -> Pooler {
        let files = tempfile::tempdir().expect("a temporary directory can be made");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("there is a free port")
            .port();
        // It does not run as root, but changes its user.
        let user = if rustix::process::geteuid().is_root() {
            "user = nobody\n"
        } else {
            ""
        };
        let ini = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = {pool_size}\n{user}",
            server.port()
        );
        let path = files.path().join("pgbouncer.ini");
        std::fs::write(&path, ini).expect("the directory is ours");
        for path in [files.path(), &path] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .expect("it is ours");
        }
        let program = support::pgbouncer().get_program().to_os_string();
        let shell = Command::new("/bin/sh")
            .args(["-c", "\"$1\" -q \"$2\" & read -r word; kill $!"])
            .args(["keeper".into(), program, path.into_os_string()])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("/bin/sh can be run");
        let pooler = Pooler {
            shell,
            port,
            _files: files,
        };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("pgbouncer does not answer on port {port}");
    }

    fn uri(&self, dbname: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{dbname}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // It says on its own what went wrong.
        let _ = self.shell.wait();
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_told_and_one_session_reads_everything() {
    for server in support::servers() {
        let db = server.database("pooled");
        for pool_size in [1, 5] {
            let pooler = Pooler::start(server, "transaction", pool_size);
            let leader = session(&pooler.uri(db.name()));
            let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
            let why = snapshot.not_exported.as_deref().unwrap_or("nothing was told");
            assert!(snapshot.id.is_none() && why.contains("transaction mode"), "{why}");
            let row = block_on(leader.client.query_one("SELECT current_setting('timezone')", &[])).unwrap();
            assert_eq!(row.get::<_, &str>(0), "UTC");
        }
    }
}

#[test]
fn a_pooler_in_session_mode_is_no_obstacle_unless_it_has_no_connection_left() {
    let server = support::server(support::newest());
    let db = server.database("pooled");
    let pooler = Pooler::start(server, "session", 5);
    let (leader, worker) = (session(&pooler.uri(db.name())), session(&pooler.uri(db.name())));
    let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
    assert!(snapshot.id.is_some(), "{snapshot:?}");
    block_on(snapshot.join(&worker)).unwrap();

    let pooler = Pooler::start(server, "session", 1);
    let leader = session(&pooler.uri(db.name()));
    let snapshot = block_on(Snapshot::take(&leader, &SnapshotOptions::default())).unwrap();
    let why = snapshot.not_exported.as_deref().unwrap_or("nothing was told");
    assert!(
        snapshot.id.is_none() && why.contains("no second connection"),
        "{why}"
    );
}

#[test]
fn a_pooler_in_statement_mode_is_refused_with_what_to_do() {
    let server = support::server(support::newest());
    let pooler = Pooler::start(server, "statement", 5);
    let leader = session(&pooler.uri("postgres"));
    let error = block_on(Snapshot::take(&leader, &SnapshotOptions::default()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("connect to the server itself"), "{error}");
}
