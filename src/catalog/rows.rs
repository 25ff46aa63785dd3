//! A table's rows as the dump needs to know them.

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
