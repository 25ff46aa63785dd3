//! Where backups live and how long: a directory with `daily/` and `weekly/`.
//!
//! A file with a backup's name is a finished backup: it gets that name only when it has been written, checked and
//! flushed to disk ([`Pending`]). Files that are not named like backups are never touched, and what may go is decided
//! in [`retention`] without looking at the disk. Everything that writes holds the [`Lock`].

mod access;
pub mod health;
pub mod journal;
mod lock;
pub mod name;
pub mod offsite;
mod pending;
pub mod retention;
mod sending;
mod stored;
mod tested;
pub mod took;
pub mod weekly;

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDateTime;

use crate::archive::Index;
use crate::{Error, Result};
pub use lock::Lock;
use name::{Name, Tier};
use pending::sync_directory;
pub use pending::{Pending, remove_stale, settle};
use retention::{Candidate, Rules, Verdict};
pub use stored::{Seekable, Stored};
pub use tested::Tested;

/// Backups hold everything the database holds: their owner alone may read them.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// A directory of backups.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// What the end of a backup's file says about it, read without the rest.
#[derive(Debug, Clone)]
pub enum State {
    /// Finished, with an index: a verified backup, for it got its name after it had been read back.
    Whole(Box<Index>),
    /// Without an index at its end: written or recompressed by another program, or cut off.
    Unproven,
    /// Not what it claims to be, and why.
    Damaged(String),
}

impl State {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            State::Whole(_) => "verified",
            State::Unproven => "unproven",
            State::Damaged(_) => "damaged",
        }
    }
}

/// A backup and what the rules make of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The backup.
    pub entry: Entry,
    /// Whether it is [`State::Whole`].
    pub verified: bool,
    /// Whether it stays, and why.
    pub verdict: Verdict,
}

/// A backup in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its name says.
    pub name: Name,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Entry {
    /// Looks at the end of the file. One that vanished or cannot be read is damaged.
    pub fn state(&self) -> State {
        Stored::from(self.path.as_path()).state()
    }

    /// What rules judge it by.
    fn candidate(&self) -> Candidate {
        Candidate {
            name: self.name.clone(),
            verified: matches!(self.state(), State::Whole(_)),
        }
    }
}

impl Store {
    /// The store at `root`, which must be a directory already: a missing one is more likely a volume that is not
    /// mounted than a wish for an empty store.
    pub fn open(root: impl Into<PathBuf>) -> Result<Store> {
        let root = root.into();
        // Listing it also proves that it is a directory which we may enter.
        std::fs::read_dir(&root).map_err(|e| access::cannot("read", &root, e))?;
        Ok(Store { root })
    }

    /// The store's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes ready to write: its directories exist, and what dead runs left half-written is gone. To be called under
    /// the lock. The names of the removed files.
    pub fn prepare(&self) -> Result<Vec<PathBuf>> {
        let mut removed = remove_stale(&self.root)?;
        for tier in Tier::ALL {
            let directory = self.root.join(tier.directory());
            let made = DirBuilder::new()
                .recursive(true)
                .mode(DIRECTORY_MODE)
                .create(&directory);
            made.map_err(|e| access::cannot("write to", &self.root, e))?;
            removed.extend(remove_stale(&directory)?);
        }
        Ok(removed)
    }

    /// Every backup in the store, of any database: daily ones first, then by database, newest first.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for tier in Tier::ALL {
            let directory = self.root.join(tier.directory());
            let listing = match std::fs::read_dir(&directory) {
                Ok(listing) => listing,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(access::cannot("read", &directory, e)),
            };
            let first = entries.len();
            for item in listing {
                let item = item.map_err(|e| access::cannot("read", &directory, e))?;
                let Some(name) = item.file_name().to_str().and_then(|n| Name::parse(tier, n)) else {
                    continue;
                };
                let path = item.path();
                match item.metadata() {
                    Ok(meta) if meta.is_file() => entries.push(Entry {
                        name,
                        path,
                        bytes: meta.size(),
                    }),
                    Ok(_) => {}
                    // Rotated away while we were looking.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    Err(e) => return Err(Error::io(format!("cannot examine {}", path.display()), e)),
                }
            }
            entries[first..].sort_by(|a, b| {
                let by_database = a.name.database.cmp(&b.name.database);
                by_database.then(b.name.time.cmp(&a.name.time))
            });
        }
        Ok(entries)
    }

    /// The newest verified backup of a database, if there is one. Those dated in the future do not count: `now` is local
    /// time in the zone of the names.
    pub fn latest(&self, database: &str, now: NaiveDateTime) -> Result<Option<Entry>> {
        let mut entries = self.entries()?;
        entries.retain(|e| e.name.database == database && !e.name.is_ahead(now));
        entries.sort_by_key(|e| std::cmp::Reverse((e.name.time, e.name.tier)));
        Ok(entries.into_iter().find(|e| matches!(e.state(), State::Whole(_))))
    }

    /// The warning about backups of a database, or of any, that are dated in the future ([`name::warning_of_ahead`]).
    pub fn warning_of_ahead(&self, database: Option<&str>, now: NaiveDateTime) -> Result<Option<String>> {
        let mut entries = self.entries()?;
        entries.retain(|e| database.is_none_or(|database| e.name.database == database));
        Ok(name::warning_of_ahead(entries.iter().map(|e| &e.name), now))
    }

    /// What the rules make of every backup in the store, in the order of [`Store::entries`]. `now` is local time in the
    /// zone of the names.
    pub fn judge(&self, rules: &Rules, now: NaiveDateTime) -> Result<Vec<Judged>> {
        let entries = self.entries()?;
        let candidates: Vec<Candidate> = entries.iter().map(Entry::candidate).collect();
        let verdicts = retention::judge(&candidates, rules, now);
        Ok(entries
            .into_iter()
            .zip(candidates)
            .zip(verdicts)
            .map(|((entry, candidate), verdict)| Judged {
                entry,
                verified: candidate.verified,
                verdict,
            })
            .collect())
    }

    /// The daily backups to be copied weekly now that `made` stands, oldest first ([`weekly::due`]).
    pub fn due_weekly(&self, made: &Name, rules: &Rules) -> Result<Vec<Name>> {
        let mut entries = self.entries()?;
        entries.retain(|e| e.name.database == made.database);
        let candidates: Vec<Candidate> = entries.iter().map(Entry::candidate).collect();
        Ok(weekly::due(made, &candidates, rules))
    }

    /// A backup's path below the store's root.
    pub fn relative(&self, entry: &Entry) -> String {
        format!("{}/{}", entry.name.tier.directory(), entry.name.file_name())
    }

    /// Where a backup of this name is or will be.
    pub fn path(&self, name: &Name) -> PathBuf {
        self.root.join(name.tier.directory()).join(name.file_name())
    }

    /// Begins a backup. Its name is taken by nobody: two backups within a second, or in the hour that a clock strikes
    /// twice, move on by seconds.
    pub fn begin(&self, mut name: Name) -> Result<(Name, Pending)> {
        while self.path(&name).exists() {
            name.time += chrono::TimeDelta::seconds(1);
        }
        let pending = Pending::create(self.path(&name), FILE_MODE)?;
        Ok((name, pending))
    }

    /// Copies a finished daily backup to its weekly name, replacing an earlier one of that day: by a hard link where
    /// the file system has them, else byte by byte, compared with its source afterwards.
    pub fn copy_to_weekly(&self, daily: &Name) -> Result<PathBuf> {
        let source = self.path(daily);
        let target = self.path(&daily.weekly());
        let pending = Pending::create(&target, FILE_MODE)?;
        if !pending.replace_by_link(&source) {
            copy(&source, &pending)?;
            if let Some(took) = took::seconds(&source).and_then(|s| Duration::try_from_secs_f64(s).ok()) {
                pending.note_duration(took);
            }
        }
        pending.commit()?;
        Ok(target)
    }

    /// Makes `<db>_latest.sql.gz` in the store's root a relative link to a daily backup. `false` where the file system
    /// knows no links.
    pub fn link_latest(&self, daily: &Name) -> bool {
        let link = self.root.join(daily.latest_file_name());
        let staged = self.root.join(format!(".latest.{}", std::process::id()));
        let target = Path::new(daily.tier.directory()).join(daily.file_name());
        // A link of the same name may be left from a killed run of the same process number.
        let _ = std::fs::remove_file(&staged);
        std::os::unix::fs::symlink(target, &staged).is_ok() && std::fs::rename(&staged, &link).is_ok()
    }

    /// Removes backups, for good.
    pub fn remove<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) -> Result<()> {
        let mut touched = BTreeSet::new();
        for entry in entries {
            match std::fs::remove_file(&entry.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io(format!("cannot remove {}", entry.path.display()), e));
                }
                _ => touched.insert(entry.name.tier),
            };
        }
        for tier in touched {
            let directory = self.root.join(tier.directory());
            sync_directory(&directory).map_err(|e| access::cannot("write to", &directory, e))?;
        }
        self.unlink_lost();
        Ok(())
    }

    /// Removes links to the newest backup whose backup is gone: of a database, or of a container format, that is backed
    /// up no more. That one stays is no harm worth an error.
    fn unlink_lost(&self) {
        for entry in std::fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let path = entry.path();
            let ours = entry.file_name().to_str().is_some_and(name::is_latest);
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if ours && link && !path.exists() {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Copies a file into one being written and reads the copy back.
fn copy(source: &Path, pending: &Pending) -> Result<()> {
    let cannot = |e| {
        Error::io(
            format!("cannot copy {} to {}", source.display(), pending.path().display()),
            e,
        )
    };
    io::copy(&mut File::open(source).map_err(cannot)?, &mut pending.file()).map_err(cannot)?;
    pending.file().sync_all().map_err(cannot)?;
    let (mut left, mut right) = (
        File::open(source).map_err(cannot)?,
        File::open(pending.path()).map_err(cannot)?,
    );
    let (mut a, mut b) = (Vec::new(), Vec::new());
    loop {
        a.clear();
        b.clear();
        let read = (&mut left).take(1 << 20).read_to_end(&mut a).map_err(cannot)?;
        (&mut right).take(1 << 20).read_to_end(&mut b).map_err(cannot)?;
        if a != b {
            return Err(Error::failed(format!(
                "the copy {} differs from {}",
                pending.path().display(),
                source.display()
            )));
        }
        if read == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::archive::Format;
    use chrono::NaiveDate;

    fn name(database: &str, day: u32) -> Name {
        let time = NaiveDate::from_ymd_opt(2026, 11, day)
            .unwrap()
            .and_hms_opt(3, 0, 0)
            .unwrap();
        Name::daily(database, time, Format::Gzip)
    }

    fn store_with(names: &[Name]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.prepare().unwrap();
        for name in names {
            let (_, pending) = store.begin(name.clone()).unwrap();
            pending.file().write_all(name.file_name().as_bytes()).unwrap();
            pending.commit().unwrap();
        }
        (dir, store)
    }

    #[test]
    fn only_backups_are_listed_newest_first() {
        let (dir, store) = store_with(&[name("b", 1), name("a", 1), name("a", 2)]);
        std::fs::write(dir.path().join("daily/notes.txt"), "mine").unwrap();
        std::fs::create_dir(dir.path().join("daily/a_2026-11-03_03-00-00.sql.gz")).unwrap();
        store.copy_to_weekly(&name("a", 1)).unwrap();
        let listed: Vec<_> = store
            .entries()
            .unwrap()
            .iter()
            .map(|e| e.name.file_name())
            .collect();
        assert_eq!(
            listed,
            [
                "a_2026-11-02_03-00-00.sql.gz",
                "a_2026-11-01_03-00-00.sql.gz",
                "b_2026-11-01_03-00-00.sql.gz",
                "a_week_2026-11-01.sql.gz",
            ]
        );
    }

    #[test]
    fn backups_are_readable_by_their_owner_alone() {
        let (dir, store) = store_with(&[name("a", 1)]);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.path(&name("a", 1))), 0o600);
        assert_eq!(mode(&dir.path().join("daily")), 0o700);
        assert_eq!(mode(&dir.path().join("weekly")), 0o700);
    }

    #[test]
    fn a_weekly_copy_costs_no_space_and_replaces_the_earlier_one_of_its_day() {
        let (_dir, store) = store_with(&[name("a", 1)]);
        let weekly = store.copy_to_weekly(&name("a", 1)).unwrap();
        let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
        assert_eq!(inode(&weekly), inode(&store.path(&name("a", 1))));
        // Once more the same, then a second backup of that day.
        store.copy_to_weekly(&name("a", 1)).unwrap();
        let (second, pending) = store.begin(name("a", 1)).unwrap();
        pending.commit().unwrap();
        store.copy_to_weekly(&second).unwrap();
        assert_eq!(inode(&weekly), inode(&store.path(&second)));
        let left = std::fs::read_dir(store.root().join("weekly")).unwrap().count();
        assert_eq!(left, 1, "no temporary file stays");
    }

    #[test]
    fn latest_is_a_relative_link_to_the_newest_backup() {
        let (dir, store) = store_with(&[name("a", 1), name("a", 2)]);
        for day in [1, 2] {
            assert!(store.link_latest(&name("a", day)));
        }
        let link = dir.path().join("a_latest.sql.gz");
        let target = std::fs::read_link(&link).unwrap();
        assert_eq!(target, Path::new("daily/a_2026-11-02_03-00-00.sql.gz"));
        assert_eq!(std::fs::read(link).unwrap(), b"a_2026-11-02_03-00-00.sql.gz");
    }

    #[test]
    fn a_link_whose_backup_is_gone_goes_and_those_of_others_stay() {
        let (dir, store) = store_with(&[name("a", 1), name("b", 1)]);
        for database in ["a", "b"] {
            assert!(store.link_latest(&name(database, 1)));
        }
        std::os::unix::fs::symlink("nowhere", dir.path().join("mine")).unwrap();
        let entries = store.entries().unwrap();
        store
            .remove(entries.iter().filter(|e| e.name.database == "a"))
            .unwrap();
        let is_link = |name: &str| dir.path().join(name).is_symlink();
        assert!(!is_link("a_latest.sql.gz") && is_link("b_latest.sql.gz") && is_link("mine"));
    }

    #[test]
    fn where_links_are_not_to_be_had_the_weekly_copy_is_a_true_copy() {
        let (dir, store) = store_with(&[name("a", 1)]);
        let source = store.path(&name("a", 1));
        let pending = Pending::create(dir.path().join("copy"), FILE_MODE).unwrap();
        copy(&source, &pending).unwrap();
        pending.commit().unwrap();
        let copied = dir.path().join("copy");
        assert_eq!(std::fs::read(&source).unwrap(), std::fs::read(copied).unwrap());
    }

    #[test]
    fn a_second_backup_within_a_second_does_not_replace_the_first() {
        let (_dir, store) = store_with(&[name("a", 1)]);
        let (second, pending) = store.begin(name("a", 1)).unwrap();
        pending.commit().unwrap();
        assert_eq!(second.file_name(), "a_2026-11-01_03-00-01.sql.gz");
        assert_eq!(store.entries().unwrap().len(), 2);
    }

    #[test]
    fn a_missing_directory_is_told_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("backups");
        let error = Store::open(&missing).unwrap_err().to_string();
        assert!(
            error.contains("backups does not exist\nhint: Create it"),
            "{error}"
        );
        assert!(!missing.exists());
    }
}
