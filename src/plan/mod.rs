//! Which objects, in which order, as which statements: from a loaded catalog to the list of steps that the stream
//! writes.

use crate::Result;
use crate::catalog::Catalog;

/// What a dump shall contain and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `DROP` each object before creating it.
    pub clean: bool,
    /// ... with `IF EXISTS`.
    pub if_exists: bool,
    /// `ALTER ... OWNER TO` as on the source.
    pub owners: bool,
    /// `GRANT` and `REVOKE` as on the source.
    pub privileges: bool,
}

/// Orders the catalog's objects and writes their statements.
pub fn build(_catalog: &Catalog, _options: &Options) -> Result<Plan> {
    Ok(Plan::default())
}

/// A dump as the list of what to write, in file order. Its size grows with the number of objects, never with rows.
#[derive(Debug, Default)]
pub struct Plan {
    /// The steps in file order.
    pub steps: Vec<Step>,
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

/// The rows of one table: what to ask the server for, and the text around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows {
    /// OID of the table.
    pub oid: u32,
    /// Its schema, unquoted.
    pub schema: String,
    /// Its name, unquoted.
    pub name: String,
    /// The columns in file order, unquoted. May be empty: such rows exist too.
    pub columns: Vec<String>,
    /// SQL before the rows, ending in the line `COPY schema.table (columns) FROM stdin;`.
    pub begin: String,
    /// SQL after the rows: the line `\.` and empty lines.
    pub end: String,
    /// A condition that rows must meet (extension configuration tables, row filters), as SQL.
    pub filter: Option<String>,
    /// Pages of the table's main fork if it is a heap that can be split by ranges of pages; `None`: one unit.
    pub heap_pages: Option<u32>,
    /// `pg_table_size` in bytes, TOAST included: what units are sized by.
    pub bytes: u64,
}
