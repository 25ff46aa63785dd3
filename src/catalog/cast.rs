//! Casts: by a function, by the types' text, or by their equal bytes.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::{Error, Result};

row_struct! {
    /// A cast.
    pub struct CastRow {
        oid: u32,
        source: String,
        target: String,
        /// Both types' bare names.
        name: String,
        function: Option<String>,
        /// `f` function, `i` text, `b` equal bytes.
        method: String,
        /// `e` explicit, `a` assignment, `i` implicit.
        context: String,
    }
}

impl CatalogRow for CastRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let types = format!("({} AS {})", self.source, self.target);
        let how = match (self.method.as_str(), &self.function) {
            ("f", Some(function)) => format!("WITH FUNCTION {function}"),
            ("i", _) => "WITH INOUT".to_string(),
            ("b", _) => "WITHOUT FUNCTION".to_string(),
            (method, _) => {
                return Err(Error::failed(format!(
                    "cast {types} is made by the method {method:?}, which is not known"
                )));
            }
        };
        let when = match self.context.as_str() {
            "a" => " AS ASSIGNMENT",
            "i" => " AS IMPLICIT",
            _ => "",
        };
        let id = ObjectId::new(class::CAST, self.oid);
        let create = format!("CREATE CAST {types} {how}{when};\n");
        let mut object = Object::new(id, Rank::Cast, "CAST", None, &self.name, create)
            .addressed("CAST", &types)
            .dropped("CAST", &types);
        object.tag = Some(types);
        loader.add(object);
        Ok(())
    }
}
