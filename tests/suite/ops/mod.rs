//! Backups as operators make them: into the store, on a schedule, on bad days.

mod backup;
mod browser;
mod daemon;
mod databases;
mod faults;
mod volume;
mod weekly;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Cluster, Db, Done};

/// A store of a test.
struct Store(tempfile::TempDir);

impl Store {
    fn new() -> Store {
        Store(tempfile::tempdir().unwrap())
    }

    fn pgstow(&self, db: &Db, args: &[&str]) -> Command {
        let mut command = support::pgstow();
        db.env(&mut command).env("BACKUP_DIR", self.0.path()).args(args);
        command
    }

    fn backup(&self, db: &Db) -> Done {
        support::run(&mut self.pgstow(db, &["backup"]))
    }

    /// Every file below the store but its lock and its journal, unfinished ones too.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for tier in ["daily", "weekly"] {
            if let Ok(entries) = std::fs::read_dir(self.0.path().join(tier)) {
                files.extend(entries.map(|e| e.unwrap().path()));
            }
        }
        files.sort();
        files
    }

    fn daily(&self) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|f| f.parent().unwrap().ends_with("daily"));
        files
    }

    /// The size of the file being written, if there is one.
    fn unfinished(&self) -> Option<u64> {
        let temporary = self.files().into_iter().find(|f| name(f).ends_with("-tmp"))?;
        std::fs::metadata(temporary).ok().map(|meta| meta.len())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_string()
}

/// A program at work, which a test that fails takes with it.
struct Started(Option<Child>);

fn start(command: &mut Command) -> Started {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    Started(Some(child.expect("pgstow can be run")))
}

impl Started {
    /// Waits for its end.
    fn done(mut self) -> Done {
        Done::of(self.0.take().expect("it has not been waited for"))
    }
}

impl std::ops::Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().expect("it has not been waited for")
    }
}

impl std::ops::DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().expect("it has not been waited for")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits until something holds; panics after a minute.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn small(server: &Cluster) -> Db<'_> {
    let db = server.database("ops");
    db.execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, NULL);",
    );
    db
}
