//! Constraints with an index behind them: primary keys, unique and exclusion constraints.

use super::column::reloptions;
use super::index::{add_attach, session, statistics, table_uses};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Drop, Object, ObjectId, Rank, class};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A key.
    pub struct KeyRow {
        oid: u32,
        name: String,
        /// The table\'s.
        owner: u32,
        schema: String,
        table_oid: u32,
        table: String,
        /// `PRIMARY KEY (id)` with everything but storage parameters.
        definition: String,
        /// The end of the definition that speaks of deferral.
        deferral: String,
        options: Option<Vec<String>>,
        is_clustered: bool,
        is_replica_identity: bool,
        index: u32,
        index_name: String,
        parent_index: Option<u32>,
        parent_index_name: Option<String>,
        statistics_columns: Vec<i16>,
        statistics_targets: Vec<i32>,
        tablespace: String,
    }
}

impl CatalogRow for KeyRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::CONSTRAINT, self.oid);
        let table = qualified(&self.schema, &self.table);
        let index = qualified(&self.schema, &self.index_name);
        let mut create = format!(
            "ALTER TABLE ONLY {table}\n    ADD CONSTRAINT {} {};\n",
            ident(&self.name),
            self.clause()
        );
        create.push_str(&statistics(
            &index,
            &self.statistics_columns,
            &self.statistics_targets,
        ));
        create.push_str(&table_uses(
            &table,
            &self.index_name,
            self.is_clustered,
            self.is_replica_identity,
        ));
        let mut object = Object::new(
            id,
            Rank::Constraint,
            "CONSTRAINT",
            Some(&self.schema),
            &self.name,
            create,
        )
        .addressed("CONSTRAINT", format!("{} ON {table}", ident(&self.name)));
        let of = Loader::relation(self.index);
        object.addresses.push(Address {
            of,
            sub: 0,
            kind: "INDEX",
            name: index,
        });
        object.tag = Some(format!("{} {}", self.table, self.name));
        object.signature.clone_from(&self.table);
        // An attached key goes with its parent's: it cannot be dropped alone.
        if self.parent_index.is_none() {
            object.drop = Drop::FromTable {
                altered: "TABLE ONLY",
                name: table,
                action: "DROP CONSTRAINT",
                part: ident(&self.name),
            };
        }
        object.depends.push(Loader::relation(self.table_oid));
        object.session = session(&self.tablespace);
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        if let (Some(parent), Some(parent_name)) = (self.parent_index, &self.parent_index_name) {
            let name = (self.schema.as_str(), self.index_name.as_str());
            add_attach(id, self.index, name, parent, parent_name, loader);
        }
        Ok(())
    }
}

impl KeyRow {
    /// The definition with the index's storage parameters, which stand before the deferral.
    fn clause(&self) -> String {
        let options = reloptions(self.options.as_deref().unwrap_or_default(), "");
        // The server's text of an exclusion constraint has them already.
        if options.is_empty() || self.definition.starts_with("EXCLUDE") {
            return self.definition.clone();
        }
        let core = self
            .definition
            .strip_suffix(self.deferral.as_str())
            .unwrap_or(&self.definition);
        format!("{core} WITH ({}){}", options.join(", "), self.deferral)
    }
}
