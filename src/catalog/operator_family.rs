//! Operator families with their loose members.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// An operator family.
    pub struct OperatorFamilyRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        access_method: String,
        /// Members of no class: `OPERATOR 1 <(a,b)`.
        operators: Vec<String>,
        /// `FUNCTION 1 (a, b) f(a,b)`.
        functions: Vec<String>,
    }
}

impl CatalogRow for OperatorFamilyRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::OPFAMILY, self.oid);
        let address = address(&self.schema, &self.name, &self.access_method);
        let mut create = format!("CREATE OPERATOR FAMILY {address};\n");
        let members = members(&self.operators, &self.functions);
        if !members.is_empty() {
            create.push_str(&format!(
                "ALTER OPERATOR FAMILY {address} ADD\n    {};\n",
                members.join(" ,\n    ")
            ));
        }
        let mut object = Object::new(
            id,
            Rank::OperatorFamily,
            "OPERATOR FAMILY",
            Some(&self.schema),
            &self.name,
            create,
        )
        .known_as(&loader.role(self.owner), "OPERATOR FAMILY", &address);
        object.signature.clone_from(&self.access_method);
        loader.add(object);
        Ok(())
    }
}

/// What statements call a family or class: `schema.name USING btree`.
pub fn address(schema: &str, name: &str, access_method: &str) -> String {
    format!("{} USING {}", qualified(schema, name), ident(access_method))
}

/// Operators, then functions.
pub fn members(operators: &[String], functions: &[String]) -> Vec<String> {
    operators.iter().chain(functions).cloned().collect()
}
