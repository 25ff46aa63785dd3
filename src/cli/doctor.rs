//! `pgstow doctor`: everything that would make a backup or a restore fail, found beforehand.

use std::path::PathBuf;

use serde_json::json;

use super::store::{Place, Zone};
use super::table::Table;
use super::{Connection, Context, SnapshotArgs, print, print_json};
use crate::doctor::{self, Report};
use crate::finding::Status;
use crate::{Error, Result, restore};

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A backup: also look whether it can be restored into the database
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    zone: Zone,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// Connections that a backup would open [default: processors, at most 4]
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Looks and tells: exit code 0 when nothing would fail, 1 otherwise.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let settings = args.connection.settings_to_connect(context).await?;
    let backup = args.file.as_ref().map(|file| args.place.find(file)).transpose()?;
    if let Some(path) = backup.as_ref().filter(|path| !path.is_file()) {
        let text = format!(
            "doctor reads the file more than once, but {} is a pipe",
            path.display()
        );
        return Err(Error::usage(text).hint("Put it into a file."));
    }
    let request = doctor::Request {
        settings: &settings,
        directory: &args.place.backup_dir,
        now: args.zone.now(),
        snapshot: args.snapshot.options(),
        jobs: args.jobs.map_or_else(restore::default_jobs, usize::from),
        backup: backup.as_deref(),
    };
    let report = context
        .until_cancelled(async { Ok(doctor::examine(&request).await) })
        .await?;
    match args.json {
        true => print_json(&as_json(&report))?,
        false => print(&as_text(&report))?,
    }
    let failed = report.all().filter(|(_, f)| f.status == Status::Failed).count();
    match failed {
        0 => Ok(()),
        n => Err(Error::failed(format!("{n} of the checks failed"))),
    }
}

fn as_text(report: &Report) -> String {
    let mut table = Table::new(&["FOR", "CHECK", "STATUS", "FOUND"]);
    let mut hints = String::new();
    for (part, finding) in report.all() {
        table.row([
            part.to_string(),
            finding.check.to_string(),
            finding.status.word().to_string(),
            finding.found.clone(),
        ]);
        if let Some(hint) = &finding.hint {
            hints.push_str(&format!("\n{}: {hint}", finding.check));
        }
    }
    let mut text = table.render();
    if !hints.is_empty() {
        text.push_str(&hints);
        text.push('\n');
    }
    text
}

fn as_json(report: &Report) -> serde_json::Value {
    let checks: Vec<_> = report
        .all()
        .map(|(part, finding)| {
            json!({
                "for": part,
                "check": finding.check,
                "status": finding.status.word(),
                "found": finding.found,
                "hint": finding.hint,
            })
        })
        .collect();
    let worst = report.all().map(|(_, f)| f.status).max().unwrap_or(Status::Ok);
    json!({"status": worst.word(), "checks": checks})
}
