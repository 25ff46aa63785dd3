//! Operator classes.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::operator_family::{address, members};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// An operator class.
    pub struct OperatorClassRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        access_method: String,
        family: String,
        r#type: String,
        is_default: bool,
        storage: Option<String>,
        operators: Vec<String>,
        functions: Vec<String>,
    }
}

impl CatalogRow for OperatorClassRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::OPCLASS, self.oid);
        let address = address(&self.schema, &self.name, &self.access_method);
        let mut object = Object::new(
            id,
            Rank::OperatorFamily,
            "OPERATOR CLASS",
            Some(&self.schema),
            &self.name,
            self.create(),
        )
        .known_as(&loader.role(self.owner), "OPERATOR CLASS", &address);
        object.signature.clone_from(&self.access_method);
        loader.add(object);
        Ok(())
    }
}

impl OperatorClassRow {
    fn create(&self) -> String {
        let mut clauses: Vec<String> = self.storage.iter().map(|t| format!("STORAGE {t}")).collect();
        clauses.extend(members(&self.operators, &self.functions));
        if clauses.is_empty() {
            // AS must be followed by something; the server takes this for nothing.
            clauses.push(format!("STORAGE {}", self.r#type));
        }
        format!(
            "CREATE OPERATOR CLASS {}\n    {}FOR TYPE {} USING {} FAMILY {} AS\n    {};\n",
            qualified(&self.schema, &self.name),
            if self.is_default { "DEFAULT " } else { "" },
            self.r#type,
            ident(&self.access_method),
            self.family,
            clauses.join(" ,\n    ")
        )
    }
}
