//! Foreign keys.

use super::drop::Drop;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A foreign key.
    pub struct ForeignKeyRow {
        oid: u32,
        name: String,
        /// The table\'s.
        owner: u32,
        schema: String,
        table_oid: u32,
        table: String,
        table_is_partitioned: bool,
        referenced: u32,
        /// The referenced table's unique index.
        referenced_index: u32,
        definition: String,
    }
}

impl CatalogRow for ForeignKeyRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::CONSTRAINT, self.oid);
        let table = qualified(&self.schema, &self.table);
        // A partitioned table's foreign key is its partitions' too.
        let (only, altered) = if self.table_is_partitioned {
            ("", "TABLE")
        } else {
            ("ONLY ", "TABLE ONLY")
        };
        let name = ident(&self.name);
        let create = format!(
            "ALTER TABLE {only}{table}\n    ADD CONSTRAINT {name} {};\n",
            self.definition
        );
        let mut object = Object::new(
            id,
            Rank::ForeignKey,
            "FK CONSTRAINT",
            Some(&self.schema),
            &self.name,
            create,
        )
        .addressed("CONSTRAINT", format!("{name} ON {table}"));
        object.tag = Some(format!("{} {}", self.table, self.name));
        object.signature.clone_from(&self.table);
        object.drop_by(Drop::FromTable {
            altered,
            name: table,
            action: "DROP CONSTRAINT",
            part: name,
        });
        object.depends = vec![
            Loader::relation(self.table_oid),
            Loader::relation(self.referenced),
        ];
        loader
            .catalog
            .references
            .push((id, Loader::relation(self.referenced_index)));
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        Ok(())
    }
}
