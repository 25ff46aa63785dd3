//! The container image is `FROM scratch`: the static binary must do its work in an empty root.

use std::path::Path;
use std::process::Command;

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
fn a_host_name_nobody_knows_is_said_so_in_an_empty_root() {
    let root = EmptyRoot::new();
    let server = support::server(support::newest());
    let db = server.postgres();
    let done = support::run(root.pgstow(&db).env("PGHOST", "nowhere.internal").arg("backup"));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("nowhere.internal"), "{done}");
}
