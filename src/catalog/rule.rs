//! Rules other than the queries of views, and their enabled state.

use super::drop::Drop;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use super::trigger::state_word;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A rule.
    pub struct RuleRow {
        oid: u32,
        name: String,
        /// The table's.
        owner: u32,
        schema: String,
        table: String,
        table_oid: u32,
        /// `CREATE RULE ...;`
        definition: String,
        /// As a trigger's.
        state: String,
    }
}

impl CatalogRow for RuleRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::REWRITE, self.oid);
        let table = qualified(&self.schema, &self.table);
        let name = ident(&self.name);
        let mut create = format!("{}\n", self.definition);
        let state = state_word(&self.state);
        if state != "ENABLE" {
            create.push_str(&format!("ALTER TABLE {table} {state} RULE {name};\n"));
        }
        let mut object = Object::new(id, Rank::Rule, "RULE", Some(&self.schema), &self.name, create)
            .addressed("RULE", format!("{name} ON {table}"));
        object.tag = Some(format!("{} {}", self.table, self.name));
        object.signature.clone_from(&self.table);
        object.drop_by(Drop::On("RULE", name, table));
        object.depends.push(Loader::relation(self.table_oid));
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        Ok(())
    }
}
