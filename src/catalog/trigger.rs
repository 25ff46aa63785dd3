//! Triggers and their enabled state.

use super::drop::Drop;
use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A trigger.
    pub struct TriggerRow {
        oid: u32,
        name: String,
        /// The table\'s.
        owner: u32,
        schema: String,
        table: String,
        table_oid: u32,
        on_foreign_table: bool,
        /// `None`: a partition's clone, of which only the state is said.
        definition: Option<String>,
        /// `O` origin (the usual), `D` disabled, `R` replica, `A` always.
        state: String,
        /// Of a clone: those that it is a clone of, all the way up.
        parents: Vec<u32>,
    }
}

impl CatalogRow for TriggerRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TRIGGER, self.oid);
        let table = qualified(&self.schema, &self.table);
        let name = ident(&self.name);
        let kind = if self.on_foreign_table {
            "FOREIGN TABLE"
        } else {
            "TABLE"
        };
        let state = state_word(&self.state);
        let mut create = String::new();
        if let Some(definition) = &self.definition {
            create.push_str(&format!("{definition};\n"));
            if state != "ENABLE" {
                create.push_str(&format!("\nALTER {kind} {table} {state} TRIGGER {name};\n"));
            }
        } else {
            create.push_str(&format!("ALTER {kind} {table} {state} TRIGGER {name};\n"));
        }
        let facet = if self.definition.is_some() {
            Facet::Itself
        } else {
            Facet::State
        };
        let mut object = Object::new(
            id.facet(facet),
            Rank::Trigger,
            "TRIGGER",
            Some(&self.schema),
            &self.name,
            create,
        );
        if self.definition.is_some() {
            object = object.addressed("TRIGGER", format!("{name} ON {table}"));
            object.drop_by(Drop::On("TRIGGER", name, table));
        } else {
            loader.catalog.aliases.insert(id, id.facet(Facet::State));
        }
        object.tag = Some(format!("{} {}", self.table, self.name));
        object.signature.clone_from(&self.table);
        object.depends.push(Loader::relation(self.table_oid));
        // What is said about a parent's state goes for all below it.
        let parents = self.parents.into_iter();
        object
            .depends
            .extend(parents.map(|oid| ObjectId::new(class::TRIGGER, oid)));
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        Ok(())
    }
}

/// What `ALTER TABLE ... TRIGGER` and `ALTER EVENT TRIGGER` call a state.
pub fn state_word(state: &str) -> &'static str {
    match state {
        "D" => "DISABLE",
        "R" => "ENABLE REPLICA",
        "A" => "ENABLE ALWAYS",
        _ => "ENABLE",
    }
}
