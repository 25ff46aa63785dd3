//! Everything that would make a backup or a restore fail, found beforehand.
//!
//! As far as can be, it does what a backup does and not something like it: it takes the snapshot, locks the tables and
//! reads the catalog, with the role and the settings of a backup; nothing is changed and nothing kept. It does not read
//! rows, so it cannot know of a damaged page.

mod server;
mod store;

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;

use crate::archive::Archive;
use crate::connect::{Settings, connect};
use crate::finding::{Finding, Status};
use crate::{Error, Result, human, restore};

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
    if let Some(path) = request.backup {
        report.restore.push(file(path.to_path_buf()).await);
    }
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
    match restore_findings(&session, request).await {
        Ok(findings) => report.restore.extend(findings),
        // Told already.
        Err(_) if report.restore.iter().any(|f| f.status == Status::Failed) => {}
        Err(e) => report.restore.push(Finding::of_error("restore", &e)),
    }
    report
}

/// Whether a file can be read to its end.
async fn file(path: PathBuf) -> Finding {
    let reading = tokio::task::spawn_blocking(move || {
        let statements = restore::read_through(&path)?;
        let archive = Archive::open(&path)?;
        Ok((statements, archive.map(|archive| archive.index().clone())))
    });
    let read = reading.await;
    match read.unwrap_or_else(|e| Err(Error::failed("reading the backup failed").because(e))) {
        Err(e) => Finding::of_error("file", &e),
        Ok((0, _)) => Finding::warning("file", "it has no statements"),
        Ok((_, Some(index))) => Finding::ok(
            "file",
            format!(
                "whole to its end, with {} of {}; `pgstow verify` reads them, too",
                human::number_of(index.rows(), "row"),
                human::number_of(index.tables.len() as u64, "table")
            ),
        ),
        Ok((statements, None)) => {
            let statements = human::number_of(statements, "statement");
            Finding::ok("file", format!("{statements}, read to the end; it has no index"))
        }
    }
}

async fn restore_findings(session: &crate::connect::Session, request: &Request<'_>) -> Result<Vec<Finding>> {
    let options = restore::Options::default();
    let needs = match request.backup {
        None => None,
        Some(path) => {
            let path = path.to_path_buf();
            let reading = tokio::task::spawn_blocking(move || {
                restore::Needs::of_file(&path, &restore::Choice::default())
            });
            let needs = reading
                .await
                .map_err(|e| Error::failed("reading the backup failed").because(e))??;
            Some(needs)
        }
    };
    let mut findings = restore::examine(session, needs.as_ref(), &options, restore::Target::Here).await?;
    findings.push(server::may_create_databases(session).await?);
    Ok(findings)
}
