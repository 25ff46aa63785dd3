//! User mappings: as whom a role goes to a foreign server. Options (passwords among them) are seen only by superusers,
//! and by the role and the server's owner.

use super::foreign_data_wrapper::options_clause;
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, ObjectId, Rank, class};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// A user mapping.
    pub struct UserMappingRow {
        oid: u32,
        user: String,
        server: String,
        server_oid: u32,
        /// The server's.
        owner: u32,
        options: Option<String>,
    }
}

impl CatalogRow for UserMappingRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let target = format!("FOR {} SERVER {}", ident(&self.user), ident(&self.server));
        let create = format!(
            "CREATE USER MAPPING {target}{};\n",
            options_clause(self.options.as_deref())
        );
        let id = ObjectId::new(class::USER_MAPPING, self.oid);
        let mut object = Object::new(id, Rank::UserMapping, "USER MAPPING", None, &self.server, create)
            .dropped("USER MAPPING", target);
        object.signature.clone_from(&self.user);
        object.tag = Some(format!("{} SERVER {}", self.user, self.server));
        object.owner = Some(loader.role(self.owner));
        object
            .depends
            .push(ObjectId::new(class::FOREIGN_SERVER, self.server_oid));
        loader.add(object);
        Ok(())
    }
}
