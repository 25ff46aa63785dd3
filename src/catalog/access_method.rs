//! Access methods for tables and indexes.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::sql::ident;
use crate::{Error, Result};

row_struct! {
    /// An access method.
    pub struct AccessMethodRow {
        oid: u32,
        name: String,
        /// `i` for indexes, `t` for tables.
        kind: String,
        handler: String,
    }
}

impl CatalogRow for AccessMethodRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = ident(&self.name);
        let kind = match self.kind.as_str() {
            "i" => "INDEX",
            "t" => "TABLE",
            other => {
                return Err(Error::failed(format!(
                    "access method {name} is of the kind {other:?}, which is not known"
                )));
            }
        };
        let id = ObjectId::new(class::AM, self.oid);
        let create = format!(
            "CREATE ACCESS METHOD {name} TYPE {kind} HANDLER {};\n",
            self.handler
        );
        loader.add(
            Object::new(id, Rank::AccessMethod, "ACCESS METHOD", None, &self.name, create)
                .addressed("ACCESS METHOD", &name)
                .dropped("ACCESS METHOD", &name),
        );
        Ok(())
    }
}
