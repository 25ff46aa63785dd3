//! Text search dictionaries.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A text search dictionary.
    pub struct TsDictionaryRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        template: String,
        /// As SQL, the way the server keeps them.
        options: Option<String>,
    }
}

impl CatalogRow for TsDictionaryRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = qualified(&self.schema, &self.name);
        let options = self
            .options
            .map(|options| format!(",\n    {options}"))
            .unwrap_or_default();
        let create = format!(
            "CREATE TEXT SEARCH DICTIONARY {name} (\n    TEMPLATE = {}{options} );\n",
            self.template
        );
        let id = ObjectId::new(class::TS_DICT, self.oid);
        let kind = "TEXT SEARCH DICTIONARY";
        loader.add(
            Object::new(
                id,
                Rank::TsDictionary,
                kind,
                Some(&self.schema),
                &self.name,
                create,
            )
            .known_as(&loader.role(self.owner), kind, &name),
        );
        Ok(())
    }
}
