//! Conversions between encodings.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{qualified, script_literal};

row_struct! {
    /// A conversion.
    pub struct ConversionRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        source: String,
        target: String,
        function: String,
        is_default: bool,
    }
}

impl CatalogRow for ConversionRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::CONVERSION, self.oid);
        let name = qualified(&self.schema, &self.name);
        let create = format!(
            "CREATE {}CONVERSION {name} FOR {} TO {} FROM {};\n",
            if self.is_default { "DEFAULT " } else { "" },
            script_literal(&self.source),
            script_literal(&self.target),
            self.function
        );
        loader.add(
            Object::new(
                id,
                Rank::Conversion,
                "CONVERSION",
                Some(&self.schema),
                &self.name,
                create,
            )
            .known_as(&loader.role(self.owner), "CONVERSION", &name),
        );
        Ok(())
    }
}
