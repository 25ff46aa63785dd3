//! Which objects, in which order, as which statements: from a loaded catalog to the list of steps that the stream
//! writes.

mod database;
mod graph;
mod nodes;
pub mod order;
mod privileges;
mod render;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::Result;
use crate::catalog::Catalog;
pub use crate::catalog::TableRows;

/// What a dump shall contain and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The definitions of objects: everything but the data section.
    pub schema: bool,
    /// Rows, values of sequences, contents of large objects.
    pub rows: bool,
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
}

impl Default for Options {
    /// Everything, as pg_dump without options has it.
    fn default() -> Self {
        Options {
            schema: true,
            rows: true,
            create: false,
            clean: false,
            if_exists: false,
            owners: true,
            privileges: true,
        }
    }
}

/// Orders the catalog's objects and writes their statements.
///
/// # Errors
/// Something in the catalog that is not understood (a privilege of an unknown kind); a text that psql would not read as
/// the statements it is meant to be.
pub fn build(mut catalog: Catalog, options: &Options) -> Result<Plan> {
    // Each stage throws away what the next does not need: what a database with very many objects takes at its peak is
    // the catalog, then the graph beside it, then the text.
    let dependencies = std::mem::take(&mut catalog.dependencies);
    let mut nodes = nodes::Nodes::new(&catalog, dependencies);
    if !options.schema {
        nodes.order_rows();
    }
    let (order, mut warnings) = resolve::resolve(&mut nodes);
    let placed = nodes.placed(&order);
    drop(order);
    warnings.append(&mut catalog.warnings);
    catalog.aliases = HashMap::new();
    let steps = render::render(catalog, placed, options)?;
    Ok(Plan { steps, warnings })
}

/// A dump as the list of what to write, in file order. Its size grows with the number of objects, never with rows.
#[derive(Debug, Default)]
pub struct Plan {
    /// The steps in file order.
    pub steps: Vec<Step>,
    /// What the user should know about the order of objects.
    pub warnings: Vec<String>,
}

/// One thing to write.
#[derive(Debug)]
pub enum Step {
    /// Whole SQL statements and comments, ending in a newline. Written as they stand.
    Sql(String),
    /// The rows of one table.
    Rows(Box<TableRows>),
    /// The contents of these large objects (OIDs in ascending order).
    LargeObjects(Vec<u32>),
}
