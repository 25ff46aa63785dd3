//! Rows of extensions' configuration tables: CREATE EXTENSION makes the tables, users fill them.

use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::row::row_struct;
use super::rows::{rows_object, table_rows};
use super::sequence::add_value;

use crate::Result;

row_struct! {
    /// A configuration table or sequence.
    pub struct ExtensionDataRow {
        oid: u32,
        schema: String,
        name: String,
        extension: u32,
        /// `r`, `p` or `S`.
        kind: String,
        /// `WHERE ...`: the rows that are the user's.
        condition: Option<String>,
        columns: Vec<String>,
        /// Tables whose rows these rows refer to.
        referenced: Vec<u32>,
    }
}

impl CatalogRow for ExtensionDataRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        match self.kind.as_str() {
            "S" => add_value(self.oid, &self.schema, &self.name, None, loader),
            // A partitioned table's rows are its partitions'.
            "p" => {}
            _ => self.add_rows(loader),
        }
        Ok(())
    }
}

impl ExtensionDataRow {
    fn add_rows(self, loader: &mut Loader) {
        let filter = self.condition.as_deref().map(without_where);
        let (bytes, _) = loader.sizes.get(&self.oid).copied().unwrap_or_default();
        let rows = table_rows(
            self.oid,
            &self.schema,
            &self.name,
            self.columns,
            filter,
            bytes,
            None,
        );
        let mut object = rows_object(rows, None);
        // The index of such a table is made already: rows that others refer to come first.
        object
            .depends
            .push(ObjectId::new(class::EXTENSION, self.extension));
        object.depends.extend(
            self.referenced
                .iter()
                .map(|&oid| Loader::relation(oid).facet(Facet::Data)),
        );
        loader.add(object);
    }
}

/// The condition alone: extensions give it with the word WHERE.
fn without_where(condition: &str) -> String {
    let condition = condition.trim();
    match condition.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("where") => condition[5..].trim().to_string(),
        _ => condition.to_string(),
    }
}
