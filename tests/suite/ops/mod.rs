//! Backups as operators make them: into the store, on a schedule, on bad days.

mod backup;
mod browser;
mod daemon;
mod databases;
mod faults;
mod volume;
mod weekly;

use std::path::PathBuf;
use std::process::Command;

use crate::support::{self, Cluster, Db, Done, name, signal, start, wait_until};

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

fn small(server: &Cluster) -> Db<'_> {
    let db = server.database("ops");
    db.execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, NULL);",
    );
    db
}
