//! Which backups are on their way off this machine, as a small file in the store: what a killed run leaves there under a
//! backup's name was never checked. Losing it loses only that knowledge.

use std::io::Write;
use std::path::PathBuf;

use super::name::{Name, Tier};
use super::{FILE_MODE, Pending, Store};
use crate::{Error, Result};

/// A line a backup: its path below the store's root.
const FILE: &str = ".pgstow-sending";

impl Store {
    /// The backups of a database whose sending began and did not end with a check.
    pub fn sending(&self, database: &str) -> Vec<Name> {
        let mut names = self.all_sending();
        names.retain(|name| name.database == database);
        names
    }

    /// Notes that a backup is about to be sent. To be called under the lock.
    pub fn note_sending(&self, name: &Name) -> Result<()> {
        let mut names = self.all_sending();
        if names.contains(name) {
            return Ok(());
        }
        names.push(name.clone());
        self.write_sending(&names)
    }

    /// Notes that a backup has been sent and checked. To be called under the lock.
    pub fn note_sent(&self, name: &Name) -> Result<()> {
        let mut names = self.all_sending();
        // Those that are gone here cannot be sent again.
        names.retain(|sending| sending != name && self.path(sending).exists());
        self.write_sending(&names)
    }

    fn all_sending(&self) -> Vec<Name> {
        let text = std::fs::read_to_string(self.sending_file()).unwrap_or_default();
        let parse = |line: &str| {
            let (directory, file) = line.split_once('/')?;
            let tier = Tier::ALL.into_iter().find(|tier| tier.directory() == directory)?;
            Name::parse(tier, file)
        };
        text.lines().filter_map(parse).collect()
    }

    fn write_sending(&self, names: &[Name]) -> Result<()> {
        let text: String = names
            .iter()
            .map(|name| format!("{}/{}\n", name.tier.directory(), name.file_name()))
            .collect();
        let pending = Pending::create(self.sending_file(), FILE_MODE)?;
        let written = pending.file().write_all(text.as_bytes());
        written.map_err(|e| Error::io(format!("cannot write {}", self.sending_file().display()), e))?;
        pending.commit()
    }

    fn sending_file(&self) -> PathBuf {
        self.root().join(FILE)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::archive::Format;

    #[test]
    fn what_is_on_its_way_is_known_until_it_has_been_checked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.prepare().unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let of = |database| Name::daily(database, day.and_hms_opt(3, 0, 0).unwrap(), Format::Gzip);
        let (daily, weekly, other, gone) = (of("a"), of("a").weekly(), of("b"), of("gone"));
        for name in [&daily, &weekly, &other] {
            std::fs::write(store.path(name), "").unwrap();
        }
        assert_eq!(store.sending("a"), []);
        for name in [&daily, &daily, &gone, &weekly, &other] {
            store.note_sending(name).unwrap();
        }
        assert_eq!(store.sending("a"), [daily.clone(), weekly.clone()]);
        assert_eq!(store.sending("gone"), [gone]);
        store.note_sent(&daily).unwrap();
        assert_eq!(store.sending("a"), [weekly]);
        assert_eq!(store.sending("b"), [other]);
        assert_eq!(store.sending("gone"), []);
    }
}
