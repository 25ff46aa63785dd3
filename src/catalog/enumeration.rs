//! Enumerated types.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{qualified, script_literal};

row_struct! {
    /// An enumerated type.
    pub struct EnumRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        labels: Vec<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for EnumRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TYPE, self.oid);
        let name = qualified(&self.schema, &self.name);
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|label| format!("\n    {}", script_literal(label)))
            .collect();
        let create = format!("CREATE TYPE {name} AS ENUM ({}\n);\n", labels.join(","));
        let base = loader.base_privileges(id, 0, self.default_acl);
        loader.add(
            Object::new(id, Rank::Type, "TYPE", Some(&self.schema), &self.name, create)
                .known_as(&loader.role(self.owner), "TYPE", &name)
                .granted(format!("TYPE {name}"), None, self.acl, base),
        );
        Ok(())
    }
}
