//! Foreign-data wrappers.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// A foreign-data wrapper.
    pub struct ForeignDataWrapperRow {
        oid: u32,
        name: String,
        owner: u32,
        handler: Option<String>,
        validator: Option<String>,
        options: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for ForeignDataWrapperRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::FOREIGN_DATA_WRAPPER, self.oid);
        let name = ident(&self.name);
        let kind = "FOREIGN DATA WRAPPER";
        let mut create = format!("CREATE {kind} {name}");
        for (word, function) in [("HANDLER", &self.handler), ("VALIDATOR", &self.validator)] {
            if let Some(function) = function {
                create.push_str(&format!(" {word} {function}"));
            }
        }
        create.push_str(&options_clause(self.options.as_deref()));
        create.push_str(";\n");
        let base = loader.base_privileges(id, 0, self.default_acl);
        loader.add(
            Object::new(id, Rank::ForeignDataWrapper, kind, None, &self.name, create)
                .known_as(&loader.role(self.owner), kind, &name)
                .granted(format!("{kind} {name}"), None, self.acl, base),
        );
        Ok(())
    }
}

/// ` OPTIONS (...)`, or nothing.
pub fn options_clause(options: Option<&str>) -> String {
    match options {
        Some(options) if !options.is_empty() => format!(" OPTIONS (\n    {options}\n)"),
        _ => String::new(),
    }
}
