//! Default privileges: what objects made later will be granted.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Privileges, Rank};
use super::row::row_struct;
use crate::sql::ident;
use crate::{Error, Result};

row_struct! {
    /// Default privileges of one role for one kind of object, in one schema or all.
    pub struct DefaultPrivilegesRow {
        oid: u32,
        role: u32,
        schema: Option<String>,
        /// `r` tables, `S` sequences, `f` functions, `T` types, `n` schemas, `L` large objects.
        kind: String,
        acl: Vec<String>,
        /// What there would be without.
        default_acl: Vec<String>,
    }
}

impl CatalogRow for DefaultPrivilegesRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let role = loader.role(self.role);
        let kinds = match self.kind.as_str() {
            "r" => "TABLES",
            "S" => "SEQUENCES",
            "f" => "FUNCTIONS",
            "T" => "TYPES",
            "n" => "SCHEMAS",
            "L" => "LARGE OBJECTS",
            other => {
                return Err(Error::failed(format!(
                    "role {role} has default privileges for the kind {other:?}, which is not known"
                )));
            }
        };
        let schema = self
            .schema
            .as_deref()
            .map(|schema| format!("IN SCHEMA {} ", ident(schema)))
            .unwrap_or_default();
        let tag = format!("DEFAULT PRIVILEGES FOR {kinds}");
        let id = ObjectId::new(class::DEFAULT_ACL, self.oid);
        let rank = Rank::DefaultPrivileges;
        let mut object = Object::new(
            id,
            rank,
            "DEFAULT ACL",
            self.schema.as_deref(),
            &tag,
            String::new(),
        );
        object.signature = role.to_string();
        object.privileges.push(Privileges {
            prefix: format!("ALTER DEFAULT PRIVILEGES FOR ROLE {} {schema}", ident(&role)),
            on: kinds.to_string(),
            tag,
            column: None,
            acl: self.acl,
            base: self.default_acl,
        });
        object.owner = Some(role);
        loader.add(object);
        Ok(())
    }
}
