//! Stand-alone composite types.

use super::column::with_columns;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A composite type.
    pub struct CompositeRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        /// The relation that has its columns.
        relation: u32,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for CompositeRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TYPE, self.oid);
        let name = qualified(&self.schema, &self.name);
        let columns = loader.columns_of(self.relation);
        let attributes: Vec<String> = columns
            .iter()
            .map(|c| match &c.collation {
                Some(collation) => format!("\n\t{} {} COLLATE {collation}", ident(&c.name), c.r#type),
                None => format!("\n\t{} {}", ident(&c.name), c.r#type),
            })
            .collect();
        let create = format!("CREATE TYPE {name} AS ({}\n);\n", attributes.join(","));
        let base = loader.base_privileges(id, 0, self.default_acl);
        let object = Object::new(id, Rank::Type, "TYPE", Some(&self.schema), &self.name, create)
            .known_as(&loader.role(self.owner), "TYPE", &name)
            .granted(format!("TYPE {name}"), None, self.acl, base);
        let object = with_columns(object, loader, &columns, &name);
        loader.add(object);
        Ok(())
    }
}
