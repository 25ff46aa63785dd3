//! Extensions: made by CREATE EXTENSION, which makes their members.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// An extension.
    pub struct ExtensionRow { oid: u32, name: String, schema: String, default_comment: Option<String>, }
}

impl CatalogRow for ExtensionRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::EXTENSION, self.oid);
        let name = ident(&self.name);
        let create = format!(
            "CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {};\n",
            ident(&self.schema)
        );
        // COMMENT ON EXTENSION needs the extension's owner, often a superuser: not for a comment it has anyway.
        if let Some(comments) = loader.catalog.comments.get_mut(&id) {
            comments.retain(|(_, text)| Some(text) != self.default_comment.as_ref());
        }
        loader.add(
            Object::new(id, Rank::Extension, "EXTENSION", None, &self.name, create)
                .addressed("EXTENSION", &name)
                .dropped("EXTENSION", &name),
        );
        loader.catalog.extensions.insert(self.oid, self.name);
        Ok(())
    }
}
