//! What came of a database's turn in a run: as lines of the log, and as JSON.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::human;
use crate::Error;
use crate::backup::{Finished, Job, Moved};

/// What was done for a database, however it ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The backup that was made; what came of sending it stands in `moved` and `error`.
    pub(super) backup: Option<Finished>,
    /// What was sent and deleted off this machine.
    pub(super) moved: Vec<Moved>,
    /// What failed. A backup that could not be sent stands nevertheless.
    pub(super) error: Option<Error>,
}

impl Outcome {
    /// What is said of what succeeded. The last line about a backup is the one that alerts look for.
    pub(super) fn lines(&self, job: &Job) -> Vec<String> {
        let made = self.backup.iter().flat_map(|backup| made(job, backup));
        made.chain(self.moved.iter().map(moved)).collect()
    }

    /// As docs/json.md describes it.
    pub(super) fn json(&self, job: &Job) -> Value {
        let backup = self.backup.as_ref();
        let deleted: Vec<Value> = backup
            .iter()
            .flat_map(|backup| &backup.rotated)
            .map(|(file, why)| json!({ "file": file, "because": why.to_string() }))
            .collect();
        let (mut sent, mut deleted_offsite) = (Vec::new(), Vec::new());
        for moved in &self.moved {
            match moved {
                Moved::Sent(address, bytes) => sent.push(json!({ "file": address, "bytes": bytes })),
                Moved::Deleted(address, why) => {
                    deleted_offsite.push(json!({ "file": address, "because": why.to_string() }));
                }
            }
        }
        json!({
            "database": (!job.globals).then(|| job.settings.dbname()),
            "succeeded": self.error.is_none(),
            "error": self.error.as_ref().map(ToString::to_string),
            "file": backup.map(|b| &b.path),
            "bytes": backup.map(|b| b.bytes),
            "tables": backup.map(|b| b.tables),
            "rows": backup.map(|b| b.rows),
            "seconds": backup.map(|b| b.took.as_secs_f64()),
            "weekly": backup.map_or(&[][..], |b| &b.weekly),
            "deleted": deleted,
            "warnings": backup.map_or(&[][..], |b| &b.warnings),
            "sent": sent,
            "deleted_offsite": deleted_offsite,
        })
    }
}

fn made(job: &Job, backup: &Finished) -> Vec<String> {
    let mut lines = vec![format!(
        "{} at {}: {} of {} in {}",
        job.subject(),
        job.settings.host_text(),
        human::number_of(backup.rows, "row"),
        human::number_of(backup.tables, "table"),
        human::duration(TimeDelta::from_std(backup.took).unwrap_or_default()),
    )];
    lines.push(format!("written to {}", backup.path.display()));
    for weekly in &backup.weekly {
        lines.push(format!("weekly copy {}", weekly.display()));
    }
    for (file, why) in &backup.rotated {
        lines.push(format!("deleted {file} ({why})"));
    }
    lines.push(format!(
        "Backup created successfully: {}",
        human::bytes(backup.bytes)
    ));
    lines
}

/// What is said of something off this machine.
fn moved(moved: &Moved) -> String {
    match moved {
        Moved::Sent(address, bytes) => format!("sent to {address}, checked: {}", human::bytes(*bytes)),
        Moved::Deleted(address, why) => format!("deleted {address} ({why})"),
    }
}
