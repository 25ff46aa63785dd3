//! Text search templates.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A text search template.
    pub struct TsTemplateRow { oid: u32, schema: String, name: String, init: Option<String>, lexize: String, }
}

impl CatalogRow for TsTemplateRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = qualified(&self.schema, &self.name);
        let init = self
            .init
            .map(|function| format!("    INIT = {function},\n"))
            .unwrap_or_default();
        let create = format!(
            "CREATE TEXT SEARCH TEMPLATE {name} (\n{init}    LEXIZE = {} );\n",
            self.lexize
        );
        let id = ObjectId::new(class::TS_TEMPLATE, self.oid);
        let kind = "TEXT SEARCH TEMPLATE";
        loader.add(
            Object::new(id, Rank::TsTemplate, kind, Some(&self.schema), &self.name, create)
                .addressed(kind, &name)
                .dropped(kind, &name),
        );
        Ok(())
    }
}
