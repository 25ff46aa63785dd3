//! Extended statistics.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A statistics object.
    pub struct StatisticsRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        definition: String,
        /// `None`: the default.
        target: Option<i32>,
    }
}

impl CatalogRow for StatisticsRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::STATISTIC_EXT, self.oid);
        let name = qualified(&self.schema, &self.name);
        let mut create = format!("{};\n", self.definition);
        if let Some(target) = self.target {
            create.push_str(&format!("ALTER STATISTICS {name} SET STATISTICS {target};\n"));
        }
        loader.add(
            Object::new(
                id,
                Rank::Statistics,
                "STATISTICS",
                Some(&self.schema),
                &self.name,
                create,
            )
            .known_as(&loader.role(self.owner), "STATISTICS", &name),
        );
        Ok(())
    }
}
