//! Text search parsers.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A text search parser.
    pub struct TsParserRow {
        oid: u32,
        schema: String,
        name: String,
        start: String,
        gettoken: String,
        end: String,
        headline: Option<String>,
        lextypes: String,
    }
}

impl CatalogRow for TsParserRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = qualified(&self.schema, &self.name);
        let headline = self
            .headline
            .map(|function| format!("    HEADLINE = {function},\n"))
            .unwrap_or_default();
        let create = format!(
            "CREATE TEXT SEARCH PARSER {name} (\n    START = {},\n    GETTOKEN = {},\n    END = {},\n{headline}    \
             LEXTYPES = {} );\n",
            self.start, self.gettoken, self.end, self.lextypes
        );
        let id = ObjectId::new(class::TS_PARSER, self.oid);
        let kind = "TEXT SEARCH PARSER";
        loader.add(
            Object::new(id, Rank::TsParser, kind, Some(&self.schema), &self.name, create)
                .addressed(kind, &name)
                .dropped(kind, &name),
        );
        Ok(())
    }
}
