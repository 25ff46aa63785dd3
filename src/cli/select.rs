//! What a dump contains, by pg_dump's options: for `dump`, and for every backup by `PGSTOW_DUMP_OPTIONS`.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::catalog::filter_file;
use crate::catalog::names::{Filter, TablePattern};
use crate::catalog::pattern::Pattern;
use crate::connect::SnapshotOptions;
use crate::{Error, Result, plan};

/// Objects picked and left out, by name and by kind.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Selection (also by PGSTOW_DUMP_OPTIONS)")]
pub struct SelectArgs {
    /// Only what is in these schemas; * and ? stand for any letters, double quotes keep capitals
    #[arg(short = 'n', long, value_name = "PATTERN")]
    schema: Vec<Pattern>,
    /// Not what is in these schemas
    #[arg(short = 'N', long, value_name = "PATTERN")]
    exclude_schema: Vec<Pattern>,
    /// Only these tables, views and sequences: name, schema.name, with * and ?
    #[arg(short = 't', long, value_name = "PATTERN")]
    table: Vec<Pattern>,
    /// Only these tables, with their partitions and inheritance children
    #[arg(long, value_name = "PATTERN")]
    table_and_children: Vec<Pattern>,
    /// Not these tables, views and sequences
    #[arg(short = 'T', long, value_name = "PATTERN")]
    exclude_table: Vec<Pattern>,
    /// Not these tables, nor their partitions and inheritance children
    #[arg(long, value_name = "PATTERN")]
    exclude_table_and_children: Vec<Pattern>,
    /// Not the rows of these tables, nor the values of these sequences
    #[arg(long, value_name = "PATTERN")]
    exclude_table_data: Vec<Pattern>,
    /// Not the rows of these tables, nor those of their partitions and inheritance children
    #[arg(long, value_name = "PATTERN")]
    exclude_table_data_and_children: Vec<Pattern>,
    /// Only these extensions
    #[arg(short = 'e', long, value_name = "PATTERN")]
    extension: Vec<Pattern>,
    /// Not these extensions
    #[arg(long, value_name = "PATTERN")]
    exclude_extension: Vec<Pattern>,
    /// Also the rows of foreign tables on these servers
    #[arg(long, value_name = "PATTERN")]
    include_foreign_data: Vec<Pattern>,
    /// Pick and leave out what the lines of this file say (include table NAME, ...); -: standard input
    #[arg(long, value_name = "FILE")]
    filter: Vec<PathBuf>,
    /// Fail when a pattern that picks matches nothing [default: when none does]
    #[arg(long)]
    strict_names: bool,
    /// Large objects even where only some things are picked
    #[arg(
        short = 'b',
        long,
        visible_alias = "blobs",
        conflicts_with = "no_large_objects"
    )]
    large_objects: bool,
    /// No large objects
    #[arg(short = 'B', long, visible_alias = "no-blobs")]
    no_large_objects: bool,
    /// No comments
    #[arg(long)]
    no_comments: bool,
    /// No row security policies
    #[arg(long)]
    no_policies: bool,
    /// No publications
    #[arg(long)]
    no_publications: bool,
    /// No security labels
    #[arg(long)]
    no_security_labels: bool,
    /// No subscriptions
    #[arg(long)]
    no_subscriptions: bool,
    /// Do not say how tables keep their rows
    #[arg(long)]
    no_table_access_method: bool,
    /// Do not say in which tablespaces tables and indexes lie
    #[arg(long)]
    no_tablespaces: bool,
    /// Do not say how columns compress large values
    #[arg(long)]
    no_toast_compression: bool,
    /// No rows of unlogged tables
    #[arg(long)]
    no_unlogged_table_data: bool,
    /// Load the rows of partitions through the partitioned table
    #[arg(long)]
    load_via_partition_root: bool,
    /// Let row security filter the rows instead of failing on it
    #[arg(long)]
    enable_row_security: bool,
    /// Quote all identifiers, even where that is not needed
    #[arg(long)]
    quote_all_identifiers: bool,
    /// Fail when a table's lock does not come within this time: milliseconds, or with a unit as 10s
    #[arg(long, value_name = "TIMEOUT")]
    lock_wait_timeout: Option<String>,
}

impl SelectArgs {
    /// The names, with those of filter files.
    ///
    /// # Errors
    /// A filter file that cannot be read or understood.
    pub fn filter(&self) -> Result<Filter> {
        let tables = |alone: &[Pattern], with_children: &[Pattern]| -> Vec<TablePattern> {
            let pattern = |children| {
                move |pattern: &Pattern| TablePattern {
                    pattern: pattern.clone(),
                    children,
                }
            };
            let alone = alone.iter().map(pattern(false));
            alone.chain(with_children.iter().map(pattern(true))).collect()
        };
        let mut filter = Filter {
            schemas: self.schema.clone(),
            exclude_schemas: self.exclude_schema.clone(),
            tables: tables(&self.table, &self.table_and_children),
            exclude_tables: tables(&self.exclude_table, &self.exclude_table_and_children),
            exclude_data: tables(&self.exclude_table_data, &self.exclude_table_data_and_children),
            extensions: self.extension.clone(),
            exclude_extensions: self.exclude_extension.clone(),
            foreign_servers: self.include_foreign_data.clone(),
            strict_names: self.strict_names,
            lenient: false,
        };
        for path in &self.filter {
            let text = read(path).map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?;
            filter_file::read(&text, &mut filter).map_err(|e| e.context(path.display()))?;
        }
        Ok(filter)
    }

    /// Adds what these options say to those of a plan.
    pub fn apply(&self, plan: &mut plan::Options) {
        plan.large_objects = match (self.large_objects, self.no_large_objects) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        plan.comments = !self.no_comments;
        plan.policies = !self.no_policies;
        plan.publications = !self.no_publications;
        plan.security_labels = !self.no_security_labels;
        plan.subscriptions = !self.no_subscriptions;
        plan.table_access_methods = !self.no_table_access_method;
        plan.tablespaces = !self.no_tablespaces;
        plan.toast_compression = !self.no_toast_compression;
        plan.unlogged_rows = !self.no_unlogged_table_data;
        plan.via_root = self.load_via_partition_root;
        plan.row_security = self.enable_row_security;
    }

    /// Adds what these options say to those of the sessions.
    pub fn snapshot(&self, snapshot: SnapshotOptions, filter: &Filter) -> SnapshotOptions {
        SnapshotOptions {
            quote_all_identifiers: self.quote_all_identifiers,
            enable_row_security: self.enable_row_security,
            include_foreign_data: !filter.foreign_servers.is_empty(),
            ..snapshot
        }
    }

    /// How long to wait for a lock.
    pub fn lock_wait_timeout(&self) -> Option<String> {
        self.lock_wait_timeout.clone()
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
