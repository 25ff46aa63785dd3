//! Privileges granted or revoked on what the dump does not make: members of extensions, and objects of the system's
//! schemas. Only the difference from what initdb or CREATE EXTENSION gave is said.

use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;

row_struct! {
    /// Changed privileges of an object or a column.
    pub struct ChangedPrivilegesRow {
        class: u32,
        oid: u32,
        /// The column's number, or 0.
        sub: i16,
        schema: Option<String>,
        name: String,
        /// `TABLE public.t`.
        granted_on: String,
        column: Option<String>,
        owner: u32,
        extension: Option<u32>,
        acl: Vec<String>,
        default_acl: Vec<String>,
    }
}

impl CatalogRow for ChangedPrivilegesRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(self.class, self.oid);
        let base = loader.base_privileges(id, i32::from(self.sub), Some(self.default_acl));
        let facet = Facet::Privileges(self.sub);
        let mut object = Object::new(
            id.facet(facet),
            Rank::DefaultPrivileges,
            "ACL",
            self.schema.as_deref(),
            &self.name,
            String::new(),
        );
        object.signature.clone_from(&self.granted_on);
        object.owner = Some(loader.role(self.owner));
        object
            .depends
            .extend(self.extension.map(|oid| ObjectId::new(class::EXTENSION, oid)));
        loader.add(object.granted(self.granted_on, self.column.as_deref(), Some(self.acl), base));
        Ok(())
    }
}
