//! Schemas. `public` is special: a new database has it, but its owner, its comment and its privileges are news.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
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
        let base = if self.is_public {
            // What older servers give is said outright, for the server that restores may be a newer one.
            let is_given = self.public_may_create && !is_open(self.acl.as_deref());
            self.default_acl.map(|acl| given_to_all(acl, is_given))
        } else {
            loader.base_privileges(id, 0, self.default_acl)
        };
        loader.add(object.granted(format!("SCHEMA {name}"), None, self.acl, base));
        Ok(())
    }
}

/// What a new `public` gives, beyond what its owner (a list of one `aclitem`) has of it. A new owner takes the old one's
/// place in its privileges.
fn given_to_all(mut owners: Vec<String>, may_create: bool) -> Vec<String> {
    let owner = owners
        .first()
        .map(|item| &item[..item.len().saturating_sub("=UC/".len()) / 2]);
    let privileges = if may_create { "UC" } else { "U" };
    let all = owner.map(|owner| format!("={privileges}/{owner}"));
    owners.extend(all);
    owners
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_given_public_by_its_owner_whatever_that_is_called() {
        let given = |owner: &str| given_to_all(vec![format!("{owner}=UC/{owner}")], false);
        assert_eq!(given("a"), ["a=UC/a", "=U/a"]);
        let odd = "\"it=UC/ \"\" is\"";
        assert_eq!(given(odd)[1], format!("=U/{odd}"));
    }
}
