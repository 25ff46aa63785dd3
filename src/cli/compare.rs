//! `pgstow compare`: which tables of a live database differ from a backup?

use std::path::PathBuf;

use serde_json::json;

use super::offsite::Unlock;
use super::store::Place;
use super::table::Table;
use super::{Connection, Context, human, print, print_json};
use crate::restore::{self, Comparison};
use crate::{Error, Result};

/// Options of `compare`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup: a path, a file's name in the store, or its address off this machine (s3://...)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    unlock: Unlock,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    place: Place,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Compares a backup with a database: exit code 0 when they are equal, 1 when they differ.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let (path, _copy) = args.unlock.fetch(&args.file, &args.place, context).await?;
    let settings = args.connection.settings_to_connect(context).await?;
    let comparison = restore::compare(&settings, &path, &context.observer, &context.cancel).await?;
    match args.json {
        true => print_json(&as_json(&comparison))?,
        false => print(&as_text(&comparison))?,
    }
    match comparison.differences.is_empty() {
        true => Ok(()),
        false => Err(Error::failed(format!(
            "database {:?} differs from {}",
            settings.dbname(),
            args.file.display()
        ))),
    }
}

/// The differences as a table for people; one line when there are none.
pub(super) fn as_text(comparison: &Comparison) -> String {
    let found = &comparison.differences;
    if found.is_empty() {
        let what = match comparison.definitions {
            true => "every row, sequence value, large object and definition proved",
            false => {
                "every row and sequence value proved; large objects and definitions are not compared, for pgstow did \
                 not write the file"
            }
        };
        return format!(
            "equal: {} in {}, {what}\n",
            human::number_of(comparison.rows, "row"),
            human::number_of(comparison.tables, "table")
        );
    }
    let mut table = Table::new(&["WHAT", "NAME", ">BACKUP", ">DATABASE"]);
    let mut row = |what: &str, name: &str, file: String, database: String| {
        table.row([what.to_string(), name.to_string(), file, database]);
    };
    let rows = |n: u64| human::number_of(n, "row");
    for (name, file, database) in &found.tables {
        row("rows differ", name, rows(*file), rows(*database));
    }
    for name in &found.missing {
        row("missing table", name, "yes".into(), "no".into());
    }
    for name in &found.new {
        row("new table", name, "no".into(), "yes".into());
    }
    for (name, file, database) in &found.sequences {
        row("sequence", name, file.clone(), database.clone());
    }
    if found.large_objects {
        row("large objects", "", "differ".into(), "differ".into());
    }
    for text in &found.definitions_missing {
        row("missing", text, "yes".into(), "no".into());
    }
    for text in &found.definitions_new {
        row("new", text, "no".into(), "yes".into());
    }
    table.render()
}

/// The comparison as JSON.
pub(super) fn as_json(comparison: &Comparison) -> serde_json::Value {
    let found = &comparison.differences;
    let tables: Vec<_> = found
        .tables
        .iter()
        .map(|(name, file, database)| json!({"name": name, "backup_rows": file, "database_rows": database}))
        .collect();
    let sequences: Vec<_> = found
        .sequences
        .iter()
        .map(|(name, file, database)| json!({"name": name, "backup": file, "database": database}))
        .collect();
    json!({
        "equal": found.is_empty(),
        "tables_compared": comparison.tables,
        "rows_compared": comparison.rows,
        "definitions_compared": comparison.definitions,
        "tables_differ": tables,
        "tables_missing": found.missing,
        "tables_new": found.new,
        "sequences_differ": sequences,
        "large_objects_differ": found.large_objects,
        "definitions_missing": found.definitions_missing,
        "definitions_new": found.definitions_new,
    })
}
