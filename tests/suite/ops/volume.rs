//! The store's volume on bad days: full, read-only, not mounted, another user's. Each is told at once, tried again, and
//! over when its cause is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::{Store, name, signal, small, start, wait_until};
use crate::support::{self, Db, Done};

/// A daemon on a store, its log in a file.
struct Daemon {
    child: Option<Child>,
    log: PathBuf,
    _logs: tempfile::TempDir,
}

impl Daemon {
    fn start(command: &mut Command) -> Daemon {
        let logs = tempfile::tempdir().unwrap();
        let log = logs.path().join("log");
        // Another user's process writes it.
        let file = std::fs::File::create(&log).unwrap();
        command.args(["schedule"]).env("SCHEDULE", "0 0 29 2 *");
        let child = command
            .stdout(std::process::Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap();
        Daemon {
            child: Some(child),
            log,
            _logs: logs,
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for a failure that says something, and for the announcement of another try.
    fn fails_with(&self, text: &str) {
        wait_until(&format!("{text:?} in {}", self.log()), || {
            let log = self.log();
            log.find("[ERROR] ")
                .is_some_and(|at| log[at..].contains(text) && log[at..].contains("trying again at "))
        });
    }

    /// Waits for a backup, then ends it.
    fn recovers(mut self) {
        wait_until(&format!("a backup: {}", self.log()), || {
            self.log().contains("Backup created successfully: ")
        });
        let child = self.child.take().unwrap();
        signal(&child, rustix::process::Signal::TERM);
        Done::of(child).ok();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Fails where the test needs root, which may mount.
fn as_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test mounts file systems, which only root may do: run it as root"
    );
}

/// A small file system over the store's directory.
struct Mount(PathBuf);

impl Mount {
    fn over(directory: &Path, options: &str) -> Mount {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(directory);
        support::run(&mut mount).ok();
        Mount(directory.to_path_buf())
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        support::run(mount.args(["-o", &format!("remount,{options}")]).arg(&self.0)).ok();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        support::run(Command::new("umount").args(["--lazy"]).arg(&self.0));
    }
}

fn healthy(store: &Store, db: &Db) -> bool {
    support::run(&mut store.pgstow(db, &["health"])).code == 0
}

/// Files with a backup's name.
fn backups(store: &Store) -> usize {
    store.daily().iter().filter(|f| !name(f).starts_with('.')).count()
}

#[test]
fn a_full_volume_is_told_and_used_again_when_there_is_room() {
    as_root();
    let db = small(support::server(support::newest()));
    db.execute("CREATE TABLE much AS SELECT md5(i::text) FROM generate_series(1, 100000) i");
    let store = Store::new();
    let mount = Mount::over(store.0.path(), "size=1m");
    let daemon = Daemon::start(&mut store.pgstow(&db, &[]));
    daemon.fails_with(&format!("[ERROR] {}/daily/", store.0.path().display()));
    daemon.fails_with("No space left on device");
    assert_eq!(store.files(), [] as [PathBuf; 0], "{}", daemon.log());
    assert!(!healthy(&store, &db));
    mount.remount("size=64m");
    daemon.recovers();
    assert!(healthy(&store, &db) && backups(&store) == 1);
}

#[test]
fn a_read_only_volume_is_told_and_used_again_when_it_is_writable() {
    as_root();
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let mount = Mount::over(store.0.path(), "size=64m");
    support::run(&mut store.pgstow(&db, &["backup"])).ok();
    mount.remount("ro");
    let daemon = Daemon::start(&mut store.pgstow(&db, &[]));
    daemon.fails_with("Read-only file system");
    assert_eq!(backups(&store), 1);
    mount.remount("rw");
    daemon.recovers();
    assert!(healthy(&store, &db) && backups(&store) == 2);
}

#[test]
fn old_backups_that_cannot_be_deleted_are_a_warning_and_the_backup_stands() {
    as_root();
    let db = small(support::server(support::newest()));
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let weekly = store.0.path().join("weekly");
    let mount = Mount::over(&weekly, "size=1m");
    let old = weekly.join(format!("{}_week_2020-01-05.sql.gz", db.name()));
    std::fs::copy(&first, &old).unwrap();
    mount.remount("ro");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut backup = store.pgstow(&db, &["backup", "--json", "--keep-weekly", "0"]);
    let done = support::run(&mut backup).ok();
    assert!(done.stderr.contains("Backup created successfully: "), "{done}");
    let warning = "the backup stands, but older ones could not be deleted: cannot remove ";
    assert!(done.stderr.contains(&format!("[WARN] {warning}")), "{done}");
    let told: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(told[0]["succeeded"], true);
    assert!(
        told[0]["warnings"][0].as_str().unwrap().starts_with(warning),
        "{done}"
    );
    assert_eq!(backups(&store), 2, "{done}");
    assert!(healthy(&store, &db));
}

#[test]
fn a_volume_that_is_not_mounted_is_told_and_nothing_is_written_beside_it() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let missing = store.0.path().join("volume");
    let daemon = Daemon::start(store.pgstow(&db, &[]).env("BACKUP_DIR", &missing));
    daemon.fails_with("volume does not exist");
    assert!(!missing.exists());
    std::fs::create_dir(&missing).unwrap();
    daemon.recovers();
    assert!(missing.join("daily").is_dir());
}

#[test]
fn a_volume_of_another_user_is_told_with_both_and_used_when_it_is_given_over() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    as_root();
    let db = small(support::server(support::newest()));
    let store = Store::new();
    std::fs::set_permissions(store.0.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let command = store.pgstow(&db, &[]);
    // A program that its user may run: the checkout may be one that only root enters.
    let program = tempfile::tempdir().unwrap();
    std::fs::set_permissions(program.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = program.path().join("pgstow");
    std::fs::copy(command.get_program(), &copy).unwrap();
    let mut as_other = Command::new(&copy);
    as_other
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let daemon = Daemon::start(as_other.uid(54_321).gid(54_321));
    daemon.fails_with(
        "permission denied; it belongs to uid 0 gid 0 with mode 0755, and this process runs as uid 54321",
    );
    chown(store.0.path(), Some(54_321), Some(54_321)).unwrap();
    daemon.recovers();
    assert_eq!(backups(&store), 1);
}

#[test]
fn hundreds_of_cycles_leave_memory_files_and_connections_as_they_were() {
    let server = support::server(support::newest());
    let db = small(server);
    let store = Store::new();
    let mut command = store.pgstow(&db, &["schedule"]);
    let name = format!("soak-{}", std::process::id());
    command
        .env("SCHEDULE", "* * * * * *")
        .env("PGAPPNAME", &name)
        .env("KEEP_WEEKLY", "0");
    command.stderr(std::process::Stdio::null());
    let child = start(&mut command);
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let count = |what: &str| std::fs::read_dir(process.join(what)).unwrap().count();
    let memory = || {
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let connections = || {
        let query = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
        server.postgres().query_text(&query).parse::<u64>().unwrap()
    };
    // Every second by the schedule, and in between as often as it is asked.
    let cycle_until = |wanted: usize| {
        let mut asked = 0;
        wait_until(&format!("{wanted} cycles"), || {
            let done = backups(&store);
            if done > asked {
                asked = done;
                signal(&child, rustix::process::Signal::HUP);
            }
            done >= wanted
        });
    };
    let settle = || wait_until("its connections end", || connections() <= 2);
    cycle_until(40);
    settle();
    let (memory_before, files_before, threads_before) = (memory(), count("fd"), count("task"));
    // Each step has its own minute.
    for cycles in [80, 120, 160, 200, 240] {
        cycle_until(cycles);
    }
    settle();
    let (memory_after, files_after, threads_after) = (memory(), count("fd"), count("task"));
    signal(&child, rustix::process::Signal::TERM);
    child.done();
    wait_until("its connections end", || connections() == 0);
    assert!(
        memory_after < memory_before + 6 * 1024,
        "memory grew from {memory_before} to {memory_after} kB in 200 cycles"
    );
    assert!(
        files_after <= files_before + 6,
        "open files grew from {files_before} to {files_after}"
    );
    assert!(
        threads_after <= threads_before + 6,
        "threads grew from {threads_before} to {threads_after}"
    );
}
