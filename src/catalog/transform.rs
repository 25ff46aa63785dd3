//! Transforms of types for procedural languages.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// A transform.
    pub struct TransformRow {
        oid: u32,
        /// The bare names of type and language.
        name: String,
        r#type: String,
        language: String,
        from_sql: Option<String>,
        to_sql: Option<String>,
    }
}

impl CatalogRow for TransformRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let target = format!("FOR {} LANGUAGE {}", self.r#type, ident(&self.language));
        let functions: Vec<String> = [("FROM", &self.from_sql), ("TO", &self.to_sql)]
            .into_iter()
            .filter_map(|(way, function)| Some(format!("{way} SQL WITH FUNCTION {}", function.as_ref()?)))
            .collect();
        let create = format!("CREATE TRANSFORM {target} ({});\n", functions.join(", "));
        let id = ObjectId::new(class::TRANSFORM, self.oid);
        let mut object = Object::new(id, Rank::Transform, "TRANSFORM", None, &self.name, create)
            .addressed("TRANSFORM", &target)
            .dropped("TRANSFORM", &target);
        object.tag = Some(target);
        loader.add(object);
        Ok(())
    }
}
