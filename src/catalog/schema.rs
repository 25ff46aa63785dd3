//! Schemas. `public` is special: a new database has it, but its owner, its comment and its privileges are news.

use super::kind::CatalogRow;
use super::loader::Loader;
use super::id::{ObjectId, class};
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// A schema.
    pub struct SchemaRow {
        oid: u32,
        name: String,
        owner: u32,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
        is_public: bool,
        /// On this server a new `public` is open to all, on newer ones it is not.
        public_may_create: bool,
        owned_by_database_owner: bool,
    }
}

impl CatalogRow for SchemaRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::NAMESPACE, self.oid);
        let name = ident(&self.name);
        // Picked by name, it is made like any other.
        let is_public = self.is_public && !loader.scope.choice.names_schema(&self.name);
        let create = if is_public {
            String::new()
        } else {
            format!("CREATE SCHEMA {name};\n")
        };
        let mut object = Object::new(id, Rank::Schema, "SCHEMA", None, &self.name, create).known_as(
            &loader.role(self.owner),
            "SCHEMA",
            &name,
        );
        if is_public {
            object.drop = None;
            if self.owned_by_database_owner {
                object.owner_addresses.clear();
            }
            forget_known_comment(loader, id);
        }
        let mut base = loader.base_privileges(id, 0, self.default_acl);
        if self.is_public && self.public_may_create && is_open(self.acl.as_deref()) {
            // Said outright, against what newer servers give, for the server that restores may be one.
            for items in base.iter_mut().flatten() {
                if let Some(privileges) = items.strip_prefix("=UC/") {
                    *items = format!("=U/{privileges}");
                }
            }
        }
        loader.add(object.granted(format!("SCHEMA {name}"), None, self.acl, base));
        Ok(())
    }
}

fn is_open(acl: Option<&[String]>) -> bool {
    acl.is_some_and(|items| items.iter().any(|item| item.starts_with("=UC/")))
}

/// `public` has a comment from birth: the same one needs no statement, a removed one is removed again.
fn forget_known_comment(loader: &mut Loader, public: ObjectId) {
    let comments = loader.catalog.comments.entry(public).or_default();
    match comments.first() {
        Some((_, text)) if text == "standard public schema" => comments.clear(),
        Some(_) => {}
        None => comments.push((0, String::new())),
    }
}
