//! Indexes that are not behind a constraint, and their attachment to a partitioned table's.

use super::id::{Facet, ObjectId};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank, SessionState};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// An index.
    pub struct IndexRow {
        oid: u32,
        schema: String,
        name: String,
        /// The table\'s.
        owner: u32,
        table_oid: u32,
        table_name: String,
        definition: String,
        is_clustered: bool,
        is_replica_identity: bool,
        parent: Option<u32>,
        parent_name: Option<String>,
        tablespace: String,
    }
}

impl CatalogRow for IndexRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = Loader::relation(self.oid);
        let name = qualified(&self.schema, &self.name);
        let mut create = format!("{};\n", self.definition);
        create.push_str(&statistics(&name, self.oid, loader));
        create.push_str(&table_uses(
            &self.table_name,
            &self.name,
            self.is_clustered,
            self.is_replica_identity,
        ));
        let mut object = Object::new(id, Rank::Index, "INDEX", Some(&self.schema), &self.name, create)
            .addressed("INDEX", &name);
        // An attached index goes with its parent: it cannot be dropped alone.
        if self.parent.is_none() {
            object = object.dropped("INDEX", &name);
        }
        object.depends.push(Loader::relation(self.table_oid));
        object.session = session(&self.tablespace);
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        if let (Some(parent), Some(parent_name)) = (self.parent, &self.parent_name) {
            add_attach(
                id,
                self.oid,
                (&self.schema, &self.name),
                parent,
                parent_name,
                loader,
            );
        }
        Ok(())
    }
}

/// The state an index's or constraint's statement is made under.
pub fn session(tablespace: &str) -> SessionState {
    SessionState {
        access_method: None,
        tablespace: Some(tablespace.into()),
    }
}

/// `ALTER INDEX ... SET STATISTICS` for expression columns, which have no names.
pub fn statistics(index: &str, oid: u32, loader: &Loader) -> String {
    let alter = |(column, target): &(i16, i32)| {
        format!("ALTER INDEX {index} ALTER COLUMN {column} SET STATISTICS {target};\n")
    };
    let targets = loader.index_statistics.get(&oid).into_iter().flatten();
    targets.map(alter).collect()
}

/// What a table says about an index once it stands: `CLUSTER ON`, `REPLICA IDENTITY`.
pub fn table_uses(table: &str, index: &str, clustered: bool, replica_identity: bool) -> String {
    let index = ident(index);
    let mut text = String::new();
    if clustered {
        text.push_str(&format!("\nALTER TABLE {table} CLUSTER ON {index};\n"));
    }
    if replica_identity {
        text.push_str(&format!(
            "\nALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {index};\n"
        ));
    }
    text
}

/// `ALTER INDEX parent ATTACH PARTITION child`. `maker` is the node that makes the child: itself, or its constraint.
pub fn add_attach(
    maker: ObjectId,
    index: u32,
    (schema, name): (&str, &str),
    parent: u32,
    parent_name: &str,
    loader: &mut Loader,
) {
    let id = Loader::relation(index).facet(Facet::Attach);
    let create = format!(
        "ALTER INDEX {parent_name} ATTACH PARTITION {};\n",
        qualified(schema, name)
    );
    let mut object = Object::new(id, Rank::IndexAttach, "INDEX ATTACH", Some(schema), name, create);
    object.depends = vec![maker, Loader::relation(parent)];
    loader
        .catalog
        .index_attachments
        .entry(Loader::relation(parent))
        .or_default()
        .push(id);
    loader.add(object);
}
