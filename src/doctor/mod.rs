//! Everything that would make a backup or a restore fail, found beforehand.
//!
//! As far as can be, it does what a backup does and not something like it: it takes the snapshot, locks the tables and
//! reads the catalog, with the role and the settings of a backup; nothing is changed and nothing kept. It does not read
//! rows, so it cannot know of a damaged page.

mod server;
mod store;

use std::path::Path;

use chrono::NaiveDateTime;

use crate::connect::{Settings, connect};
use crate::finding::Finding;
use crate::{Error, Result, restore};

/// What is to be looked at.
#[derive(Debug)]
pub struct Request<'a> {
    /// The database.
    pub settings: &'a Settings,
    /// The store's directory.
    pub directory: &'a Path,
    /// Local time in the zone of the store's names.
    pub now: NaiveDateTime,
    /// How a backup looks at the database.
    pub snapshot: crate::connect::SnapshotOptions,
    /// Connections of a backup.
    pub jobs: usize,
    /// A backup that is to be restored into the database.
    pub backup: Option<&'a Path>,
}

/// What was found, by what it is about.
#[derive(Debug)]
pub struct Report {
    /// Of the server, for a backup.
    pub backup: Vec<Finding>,
    /// Of the store.
    pub store: Vec<Finding>,
    /// Of the server, for a restore.
    pub restore: Vec<Finding>,
}

impl Report {
    /// All findings with the name of their part.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        let parts = [
            ("backup", &self.backup),
            ("store", &self.store),
            ("restore", &self.restore),
        ];
        parts
            .into_iter()
            .flat_map(|(part, findings)| findings.iter().map(move |finding| (part, finding)))
    }
}

/// Looks at everything. What cannot even be looked at is a finding, too.
pub async fn examine(request: &Request<'_>) -> Report {
    let mut report = Report {
        backup: Vec::new(),
        store: Vec::new(),
        restore: Vec::new(),
    };
    let session = match connect(request.settings).await {
        Ok(session) => session,
        Err(e) => {
            report.backup.push(Finding::of_error("connection", &e));
            report.store = store::findings(request, None);
            return report;
        }
    };
    let size = match server::findings(&session, request, &mut report.backup).await {
        Ok(size) => Some(size),
        Err(e) => {
            report.backup.push(Finding::of_error("server", &e));
            None
        }
    };
    report.store = store::findings(request, size);
    report.restore = match restore_findings(&session, request).await {
        Ok(findings) => findings,
        Err(e) => vec![Finding::of_error("restore", &e)],
    };
    report
}

async fn restore_findings(session: &crate::connect::Session, request: &Request<'_>) -> Result<Vec<Finding>> {
    let options = restore::Options::default();
    let needs = match request.backup {
        None => restore::Needs::default(),
        Some(path) => {
            let path = path.to_path_buf();
            let reading = tokio::task::spawn_blocking(move || {
                restore::Needs::of_file(&path, &restore::Choice::default())
            });
            reading
                .await
                .map_err(|e| Error::failed("reading the backup failed").because(e))??
        }
    };
    let mut findings = restore::examine(session, &needs, &options, restore::Target::Here).await?;
    findings.push(server::may_create_databases(session).await?);
    Ok(findings)
}
