//! Row security policies; the switch itself is the table's.

use std::fmt::Write;

use super::drop::Drop;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::sql::{ident, ident_list, qualified};
use crate::{Error, Result};

row_struct! {
    /// A policy.
    pub struct PolicyRow {
        oid: u32,
        name: String,
        /// The table\'s.
        owner: u32,
        schema: String,
        table: String,
        table_oid: u32,
        /// `r`, `a`, `w`, `d`, or `*` for all.
        command: String,
        is_permissive: bool,
        /// `None`: PUBLIC.
        roles: Option<Vec<String>>,
        using_expression: Option<String>,
        check_expression: Option<String>,
    }
}

impl CatalogRow for PolicyRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let table = qualified(&self.schema, &self.table);
        let name = ident(&self.name);
        let mut create = format!("CREATE POLICY {name} ON {table}");
        if !self.is_permissive {
            create.push_str(" AS RESTRICTIVE");
        }
        create.push_str(match self.command.as_str() {
            "*" => "",
            "r" => " FOR SELECT",
            "a" => " FOR INSERT",
            "w" => " FOR UPDATE",
            "d" => " FOR DELETE",
            other => {
                return Err(Error::failed(format!(
                    "policy {name} on {table} is for the command {other:?}, which is not known"
                )));
            }
        });
        if let Some(roles) = &self.roles {
            let _ = write!(create, " TO {}", ident_list(roles.iter().map(String::as_str)));
        }
        if let Some(expression) = &self.using_expression {
            let _ = write!(create, " USING ({})", expression);
        }
        if let Some(expression) = &self.check_expression {
            let _ = write!(create, " WITH CHECK ({})", expression);
        }
        create.push_str(";\n");
        let id = ObjectId::new(class::POLICY, self.oid);
        let mut object = Object::new(id, Rank::Policy, "POLICY", Some(&self.schema), &self.name, create)
            .addressed("POLICY", format!("{name} ON {table}"));
        object.tag = Some(format!("{} {}", self.table, self.name));
        object.signature.clone_from(&self.table);
        object.drop_by(Drop::On("POLICY", name, table.clone()));
        object.depends.push(Loader::relation(self.table_oid));
        object.owner = Some(loader.role(self.owner));
        loader.add(object);
        Ok(())
    }
}
