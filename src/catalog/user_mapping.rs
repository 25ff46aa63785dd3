//! User mappings: as whom a role goes to a foreign server.
//!
//! Options (passwords among them) are shown only to superusers, to the role itself where it may use the server, and, of
//! the mapping for everyone, to the server's owner. A mapping whose options the dumping role may not see is written
//! without them, as pg_dump does it, but not in silence: the dump warns, and the file says so above the statement.

use super::foreign_data_wrapper::options_clause;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
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
        /// It may have options which this role may not see.
        is_hidden: bool,
    }
}

impl CatalogRow for UserMappingRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let target = format!("FOR {} SERVER {}", ident(&self.user), ident(&self.server));
        let mut create = format!(
            "CREATE USER MAPPING {target}{};\n",
            options_clause(self.options.as_deref())
        );
        if self.is_hidden {
            create.insert_str(0, "-- without options: the role that dumped may not see them\n");
            loader.catalog.warnings.push(format!(
                "the options of the user mapping for {} on server {} are not in the dump: only a superuser or that role \
                 may see them",
                ident(&self.user),
                ident(&self.server)
            ));
        }
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
