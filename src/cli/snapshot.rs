//! The options of every verb that dumps which say how the database is looked at, as pg_dump names them.

use clap::builder::FalseyValueParser;

use crate::connect::SnapshotOptions;

/// Which snapshot, as which role, how exactly.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Snapshot")]
pub struct SnapshotArgs {
    /// Dump what this snapshot sees, which another session has exported and holds open
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "serializable_deferrable")]
    snapshot: Option<String>,
    /// Wait for a moment at which no anomaly of serializable transactions can show
    #[arg(long)]
    serializable_deferrable: bool,
    /// Act as this role after connecting
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Digits of floating-point numbers, -15 to 3 [default: 3, which loses nothing]
    #[arg(long, value_name = "DIGITS", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-15..=3))]
    extra_float_digits: Option<i32>,
    /// Dump a server newer than the newest that this version is tested with
    #[arg(long, env = "PGSTOW_ALLOW_NEWER_SERVER", value_parser = FalseyValueParser::new())]
    allow_newer_server: bool,
}

impl SnapshotArgs {
    /// What the dump is to be told.
    pub fn options(&self) -> SnapshotOptions {
        let usual = SnapshotOptions::default();
        SnapshotOptions {
            serializable_deferrable: self.serializable_deferrable,
            existing: self.snapshot.clone(),
            role: self.role.clone(),
            extra_float_digits: self.extra_float_digits.unwrap_or(usual.extra_float_digits),
            allow_newer_server: self.allow_newer_server,
            ..usual
        }
    }
}
