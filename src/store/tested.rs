//! The last test restore of each database, as a small JSON file in the store: what `/metrics` tells of it. Losing it
//! loses nothing but that.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FILE_MODE, Pending, Store};
use crate::{Error, Result};

const NAME: &str = ".pgstow-tests.json";

/// A test restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The backup's file name.
    pub file: String,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long the restore took, in seconds; the comparison afterwards is not counted.
    pub seconds: f64,
    /// Whether what was restored was what the backup says.
    pub passed: bool,
}

impl Store {
    /// The last test restore of each database. None where nothing can be read or understood.
    pub fn tests(&self) -> BTreeMap<String, Tested> {
        std::fs::read(self.root().join(NAME))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Remembers a test restore of a database's backup.
    pub fn remember_test(&self, database: &str, tested: Tested) -> Result<()> {
        let mut tests = self.tests();
        tests.insert(database.to_string(), tested);
        let text =
            serde_json::to_vec_pretty(&tests).map_err(|e| Error::failed("cannot write JSON").because(e))?;
        let path = self.root().join(NAME);
        let pending = Pending::create(&path, FILE_MODE)?;
        let written = pending.file().write_all(&text);
        written.map_err(|e| Error::io(format!("cannot write {}", path.display()), e))?;
        pending.commit()
    }
}
