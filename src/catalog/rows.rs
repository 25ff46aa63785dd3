//! A table's rows as the dump needs to know them.

use std::sync::Arc;

use super::loader::Loader;
use super::object::{Data, Facet, Object, Rank};
use crate::sql::{ident_list, qualified};

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

/// A table's rows with the text around them.
pub fn table_rows(
    oid: u32,
    schema: &str,
    name: &str,
    columns: Vec<String>,
    filter: Option<String>,
    bytes: u64,
    heap_pages: Option<u32>,
) -> TableRows {
    let list = ident_list(columns.iter().map(String::as_str));
    // Two blanks without columns, as pg_dump has it.
    let list = if columns.is_empty() {
        list
    } else {
        format!("({list})")
    };
    TableRows {
        oid,
        schema: schema.to_string(),
        name: name.to_string(),
        begin: format!("COPY {} {list} FROM stdin;\n", qualified(schema, name)),
        end: "\\.\n\n\n".to_string(),
        columns,
        filter,
        heap_pages,
        bytes,
    }
}

/// The node of a table's rows.
pub fn rows_object(rows: TableRows, owner: Option<Arc<str>>) -> Object {
    let table = Loader::relation(rows.oid);
    let id = table.facet(Facet::Data);
    let mut object = Object::new(
        id,
        Rank::TableData,
        "TABLE DATA",
        Some(&rows.schema),
        &rows.name,
        String::new(),
    );
    object.owner = owner;
    object.depends.push(table);
    object.data = Some(Data::Rows(Box::new(rows)));
    object
}
