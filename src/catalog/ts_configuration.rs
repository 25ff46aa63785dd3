//! Text search configurations: a parser, and the dictionaries for each type of token.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A text search configuration.
    pub struct TsConfigurationRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        parser: String,
        /// `asciiword WITH english_stem, simple`.
        mappings: Vec<String>,
    }
}

impl CatalogRow for TsConfigurationRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = qualified(&self.schema, &self.name);
        let mut create = format!(
            "CREATE TEXT SEARCH CONFIGURATION {name} (\n    PARSER = {} );\n",
            self.parser
        );
        for mapping in &self.mappings {
            create.push_str(&format!(
                "\nALTER TEXT SEARCH CONFIGURATION {name}\n    ADD MAPPING FOR {mapping};\n"
            ));
        }
        let id = ObjectId::new(class::TS_CONFIG, self.oid);
        let kind = "TEXT SEARCH CONFIGURATION";
        loader.add(
            Object::new(
                id,
                Rank::TsConfiguration,
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
