//! Foreign servers.

use super::foreign_data_wrapper::options_clause;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, script_literal};

row_struct! {
    /// A foreign server.
    pub struct ForeignServerRow {
        oid: u32,
        name: String,
        owner: u32,
        r#type: Option<String>,
        version: Option<String>,
        wrapper: String,
        options: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for ForeignServerRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::FOREIGN_SERVER, self.oid);
        let name = ident(&self.name);
        let mut create = format!("CREATE SERVER {name}");
        for (word, value) in [("TYPE", &self.r#type), ("VERSION", &self.version)] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                create.push_str(&format!(" {word} {}", script_literal(value)));
            }
        }
        create.push_str(&format!(" FOREIGN DATA WRAPPER {}", ident(&self.wrapper)));
        create.push_str(&options_clause(self.options.as_deref()));
        create.push_str(";\n");
        let base = loader.base_privileges(id, 0, self.default_acl);
        loader.add(
            Object::new(id, Rank::ForeignServer, "SERVER", None, &self.name, create)
                .known_as(&loader.role(self.owner), "SERVER", &name)
                .granted(format!("FOREIGN SERVER {name}"), None, self.acl, base),
        );
        Ok(())
    }
}
