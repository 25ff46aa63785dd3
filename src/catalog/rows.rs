//! A table's rows as the dump needs to know them.

use std::sync::Arc;

use super::id::Facet;
use super::loader::Loader;
use super::names::ValueForm;
use super::object::{Data, Object, Rank};

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
    /// SQL before the rows, ending in the line `COPY schema.table (columns) FROM stdin;` where they are no INSERTs.
    pub begin: String,
    /// SQL after the rows: the line `\.` and empty lines.
    pub end: String,
    /// The partitioned table, quoted, through which the rows are loaded.
    pub through: Option<String>,
    /// How the rows become INSERT statements; `None`: they are COPY text.
    pub inserts: Option<Box<InsertForm>>,
    /// A condition that rows must meet (extension configuration tables, row filters), as SQL.
    pub filter: Option<String>,
    /// Pages of the table's main fork if it is a heap that can be split by ranges of pages; `None`: one unit.
    pub heap_pages: Option<u32>,
    /// `pg_table_size` in bytes, TOAST included: what units are sized by.
    pub bytes: u64,
}

/// The text of INSERT statements around the values of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertForm {
    /// Everything before the first row's values.
    pub prefix: String,
    /// The form of each value. None: the statement is its prefix, once for each row.
    pub forms: Vec<ValueForm>,
    /// What ends a statement: `;` and a line end.
    pub suffix: String,
    /// Rows in one statement, from 1.
    pub rows: u32,
}

impl InsertForm {
    /// A statement of its kind.
    pub fn sample(&self) -> String {
        match self.forms.is_empty() {
            true => format!("{}{}", self.prefix, self.suffix),
            false => format!("{} (NULL){}", self.prefix, self.suffix),
        }
    }

    /// Rows of one column that are statements already.
    pub fn statements() -> InsertForm {
        InsertForm {
            prefix: String::new(),
            forms: vec![ValueForm::Statement],
            suffix: "\n".to_string(),
            rows: 1,
        }
    }
}
/// A table's rows, without the text around them.
pub fn table_rows(
    oid: u32,
    schema: &str,
    name: &str,
    columns: Vec<String>,
    filter: Option<String>,
    bytes: u64,
    heap_pages: Option<u32>,
) -> TableRows {
    TableRows {
        oid,
        schema: schema.to_string(),
        name: name.to_string(),
        begin: String::new(),
        end: String::new(),
        through: None,
        inserts: None,
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
