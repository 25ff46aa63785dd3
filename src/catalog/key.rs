//! Constraints with an index behind them: primary keys, unique and exclusion constraints.

use super::column::reloptions;
use super::drop::Drop;
use super::id::{ObjectId, class};
use super::index::{add_attach, session, statistics, table_uses};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{dollar_quoted, ident, ident_list, qualified, script_literal};

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
        is_partitioned: bool,
        /// `PRIMARY KEY (id)` with everything but storage parameters.
        definition: String,
        /// The end of the definition that speaks of deferral.
        deferral: String,
        options: Option<Vec<String>>,
        /// Of the index it is attached to.
        parent_options: Option<Vec<String>>,
        is_clustered: bool,
        is_replica_identity: bool,
        index: u32,
        index_name: String,
        parent_index: Option<u32>,
        parent_index_name: Option<String>,
        tablespace: String,
    }
}

impl CatalogRow for KeyRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::CONSTRAINT, self.oid);
        let table = qualified(&self.schema, &self.table);
        let index = qualified(&self.schema, &self.index_name);
        let mut create = match &self.parent_index_name {
            Some(parent) if self.is_exclusion() => self.adoption(&table, parent),
            _ => self.addition(&table),
        };
        create.push_str(&statistics(&index, self.index, loader));
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
            object.drop_by(Drop::FromTable {
                altered: "TABLE ONLY",
                name: table,
                action: "DROP CONSTRAINT",
                part: ident(&self.name),
            });
        }
        object.depends.push(Loader::relation(self.table_oid));
        if self.is_made_by_parent() {
            object.depends.extend(self.parent_index.map(Loader::relation));
        } else {
            object.session = session(&self.tablespace);
        }
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        if let (Some(parent), Some(parent_name)) = (self.parent_index, &self.parent_index_name) {
            if self.is_made_by_parent() {
                return Ok(());
            }
            let name = (self.schema.as_str(), self.index_name.as_str());
            add_attach(id, self.index, name, parent, parent_name, loader);
        }
        Ok(())
    }
}

impl KeyRow {
    fn is_exclusion(&self) -> bool {
        self.definition.starts_with("EXCLUDE")
    }

    /// The server refuses to attach the index of an exclusion constraint to a partitioned table's, whatever they are
    /// (17 and 18). So the partitioned table makes its partitions' constraints, and they only get their names.
    fn is_made_by_parent(&self) -> bool {
        self.parent_index.is_some() && self.is_exclusion()
    }

    fn addition(&self, table: &str) -> String {
        let only = if self.is_partitioned && self.is_exclusion() {
            ""
        } else {
            "ONLY "
        };
        format!(
            "ALTER TABLE {only}{table}\n    ADD CONSTRAINT {} {};\n",
            ident(&self.name),
            self.clause()
        )
    }

    /// Gives the constraint that a partition has from its parent its own name and place.
    fn adoption(&self, table: &str, parent: &str) -> String {
        let body = format!(
            "\nDECLARE\n  made pg_catalog.text;\nBEGIN\n  \
             SELECT k.conname INTO STRICT made FROM pg_catalog.pg_constraint k\n    \
             JOIN pg_catalog.pg_inherits i ON i.inhrelid = k.conindid\n    \
             WHERE k.conrelid = {}::pg_catalog.regclass AND i.inhparent = {}::pg_catalog.regclass;\n  \
             IF made <> {name} THEN\n    \
             EXECUTE pg_catalog.format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', {}, made, {name});\n  \
             END IF;\nEND\n",
            script_literal(table),
            script_literal(parent),
            script_literal(table),
            name = script_literal(&self.name)
        );
        let mut text = format!("DO {};\n", dollar_quoted(&body, ""));
        let index = qualified(&self.schema, &self.index_name);
        text.push_str(&self.own_options(&index));
        if !self.tablespace.is_empty() {
            text.push_str(&format!(
                "ALTER INDEX {index} SET TABLESPACE {};\n",
                ident(&self.tablespace)
            ));
        }
        text
    }

    /// Storage parameters where they are not the parent's, from which the index was made.
    fn own_options(&self, index: &str) -> String {
        let own = self.options.as_deref().unwrap_or_default();
        let parents = self.parent_options.as_deref().unwrap_or_default();
        let name = |option: &String| option.split('=').next().unwrap_or_default().to_string();
        let kept: Vec<String> = own.iter().map(name).collect();
        let lost: Vec<String> = parents.iter().map(name).filter(|n| !kept.contains(n)).collect();
        let changed: Vec<String> = own.iter().filter(|o| !parents.contains(o)).cloned().collect();
        let mut text = String::new();
        if !lost.is_empty() {
            text.push_str(&format!(
                "ALTER INDEX {index} RESET ({});\n",
                ident_list(lost.iter().map(String::as_str))
            ));
        }
        if !changed.is_empty() {
            text.push_str(&format!(
                "ALTER INDEX {index} SET ({});\n",
                reloptions(&changed, "").join(", ")
            ));
        }
        text
    }

    /// The definition with the index's storage parameters, which stand before the deferral.
    fn clause(&self) -> String {
        let options = reloptions(self.options.as_deref().unwrap_or_default(), "");
        // The server's text of an exclusion constraint has them already.
        if options.is_empty() || self.is_exclusion() {
            return self.definition.clone();
        }
        let core = self
            .definition
            .strip_suffix(self.deferral.as_str())
            .unwrap_or(&self.definition);
        format!("{core} WITH ({}){}", options.join(", "), self.deferral)
    }
}
