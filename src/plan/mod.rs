//! Which objects, in which order, as which statements: from a loaded catalog to the list of steps that the stream
//! writes.

mod database;
mod graph;
mod nodes;
pub mod order;
mod preamble;
mod privileges;
mod refresh;
mod remarks;
mod render;
mod resolve;
mod rows;
mod select;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::Result;
pub use crate::catalog::TableRows;
use crate::catalog::{Catalog, Choice};

/// What a dump shall contain and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The definitions of objects: everything but the data section.
    pub schema: bool,
    /// Rows, values of sequences, large objects.
    pub rows: bool,
    /// Values of sequences even without rows.
    pub sequence_values: bool,
    /// The sections that are written.
    pub sections: Sections,
    /// Make the database itself, with its settings, and go into it.
    pub create: bool,
    /// `DROP` each object before creating it; with `create`, the database alone.
    pub clean: bool,
    /// ... with `IF EXISTS`.
    pub if_exists: bool,
    /// `ALTER ... OWNER TO` as on the source.
    pub owners: bool,
    /// `GRANT` and `REVOKE` as on the source.
    pub privileges: bool,
    /// `COMMENT ON`.
    pub comments: bool,
    /// `SECURITY LABEL`.
    pub security_labels: bool,
    /// Publications, with their tables and schemas.
    pub publications: bool,
    /// Subscriptions.
    pub subscriptions: bool,
    /// Row security policies, and row security switched on.
    pub policies: bool,
    /// Where tables and indexes lie.
    pub tablespaces: bool,
    /// How tables keep their rows.
    pub table_access_methods: bool,
    /// How columns compress large values.
    pub toast_compression: bool,
    /// The rows of unlogged tables.
    pub unlogged_rows: bool,
    /// Large objects; `None`: unless something was picked by name.
    pub large_objects: Option<bool>,
    /// Rows as INSERT statements; `None`: as COPY.
    pub inserts: Option<Inserts>,
    /// Rows of partitions through the partitioned table they belong to.
    pub via_root: bool,
    /// Without definitions: no triggers fire while rows load.
    pub disable_triggers: bool,
    /// The role that may do that, if it is not who restores.
    pub superuser: Option<String>,
    /// Restore with row security on: the dump holds what its role could see.
    pub row_security: bool,
    /// What the planner knows about tables and indexes, for servers of 18 and newer.
    pub planner_statistics: bool,
    /// The script's encoding, by the server's name for it; `None`: UTF8.
    pub encoding: Option<String>,
    /// The key of psql's `\\restrict`, around the whole script; `None`: the script runs without.
    pub restrict_key: Option<String>,
}

/// The parts of a dump that can be had one by one (pg_dump's `--section`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sections {
    /// Everything that rows need.
    pub pre_data: bool,
    /// Rows, values of sequences, large objects.
    pub data: bool,
    /// Indexes, constraints, triggers and whatever else comes after rows.
    pub post_data: bool,
}

impl Default for Sections {
    /// All of them.
    fn default() -> Self {
        Sections {
            pre_data: true,
            data: true,
            post_data: true,
        }
    }
}

/// How rows become INSERT statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inserts {
    /// Name the columns.
    pub columns: bool,
    /// Rows in one statement, from 1.
    pub rows: u32,
    /// Rows that are there already are no error.
    pub on_conflict_do_nothing: bool,
}

impl Default for Options {
    /// Everything, as pg_dump without options has it.
    fn default() -> Self {
        Options {
            schema: true,
            rows: true,
            sequence_values: false,
            sections: Sections::default(),
            create: false,
            clean: false,
            if_exists: false,
            owners: true,
            privileges: true,
            comments: true,
            security_labels: true,
            publications: true,
            subscriptions: true,
            policies: true,
            tablespaces: true,
            table_access_methods: true,
            toast_compression: true,
            unlogged_rows: true,
            large_objects: None,
            inserts: None,
            via_root: false,
            disable_triggers: false,
            superuser: None,
            row_security: false,
            planner_statistics: false,
            encoding: None,
            restrict_key: None,
        }
    }
}

impl Options {
    /// Whether rows or values of sequences are to be read at all.
    pub fn reads_rows(&self) -> bool {
        self.rows && self.sections.data
    }
}

/// Orders the catalog's objects and writes the statements of those that are wanted.
///
/// # Errors
/// Something in the catalog that is not understood (a privilege of an unknown kind); a text that psql would not read as
/// the statements it is meant to be.
pub fn build(mut catalog: Catalog, options: &Options, choice: &Choice) -> Result<Plan> {
    let rules = select::rules(&catalog, options, choice);
    let left_out = select::count(&rules);
    // Each stage throws away what the next does not need: what a database with very many objects takes at its peak is
    // the catalog, then the graph beside it, then the text.
    let dependencies = std::mem::take(&mut catalog.dependencies);
    let mut nodes = nodes::Nodes::new(&catalog, dependencies);
    if !options.schema {
        nodes.order_rows();
    }
    let (order, mut warnings) = resolve::resolve(&mut nodes);
    let mut placed = nodes.placed(&order);
    drop(order);
    placed.retain(|node| rules[node.object].is_none());
    warnings.append(&mut catalog.warnings);
    catalog.aliases = HashMap::new();
    let steps = render::render(catalog, placed, options, choice)?;
    Ok(Plan {
        steps,
        warnings,
        left_out,
    })
}

/// A dump as the list of what to write, in file order. Its size grows with the number of objects, never with rows.
#[derive(Debug, Default)]
pub struct Plan {
    /// The steps in file order.
    pub steps: Vec<Step>,
    /// What the user should know about the order of objects.
    pub warnings: Vec<String>,
    /// How many objects each rule of the user's filter leaves out: with the steps, every object is accounted for.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// One thing to write.
#[derive(Debug)]
pub enum Step {
    /// Whole SQL statements and comments, ending in a newline. Written as they stand, except that characters which
    /// stand for bytes ([`escape`](crate::escape)) become those.
    Sql(String),
    /// Statements that the server writes: a COPY of one column of text.
    Statements(String),
    /// The rows of one table.
    Rows(Box<TableRows>),
    /// The contents of these large objects (OIDs in ascending order).
    LargeObjects(Vec<u32>),
}
