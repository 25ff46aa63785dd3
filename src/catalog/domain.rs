//! Domains.

use super::check::Check;
use super::definition::{Definition, Form, PartText};
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, qualified};

row_struct! {
    /// A domain.
    pub struct DomainRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        base: String,
        collation: Option<String>,
        default_expression: Option<String>,
        not_null: bool,
        not_null_oid: Option<u32>,
        not_null_name: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

/// A domain's statement, in which checks may be missing.
#[derive(Debug)]
struct Domain {
    bare_name: String,
    name: String,
    head: String,
    checks: Vec<Check>,
}

impl CatalogRow for DomainRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TYPE, self.oid);
        let name = qualified(&self.schema, &self.name);
        let checks = loader.checks.remove(&id).unwrap_or_default();
        let on = format!("DOMAIN {name}");
        let mut addresses: Vec<Address> = checks.iter().map(|check| check.address(&on)).collect();
        if let (Some(oid), Some(constraint)) = (self.not_null_oid, &self.not_null_name) {
            let of = ObjectId::new(class::CONSTRAINT, oid);
            addresses.push(Address {
                of,
                sub: 0,
                kind: "CONSTRAINT",
                name: format!("{} ON {on}", ident(constraint)),
            });
        }
        let parts = checks.iter().map(Check::part).collect();
        let base = loader.base_privileges(id, 0, self.default_acl.clone());
        let definition = Domain {
            bare_name: self.name.clone(),
            name: name.clone(),
            head: self.head(),
            checks,
        };
        let mut object = Object::new(
            id,
            Rank::Type,
            "DOMAIN",
            Some(&self.schema),
            &self.name,
            definition,
        )
        .known_as(&loader.role(self.owner), "DOMAIN", &name)
        .granted(format!("TYPE {name}"), None, self.acl, base);
        object.addresses.append(&mut addresses);
        object.parts = parts;
        loader.add(object);
        Ok(())
    }
}

impl DomainRow {
    fn head(&self) -> String {
        let mut head = format!(
            "CREATE DOMAIN {} AS {}",
            qualified(&self.schema, &self.name),
            self.base
        );
        if let Some(collation) = &self.collation {
            head.push_str(" COLLATE ");
            head.push_str(collation);
        }
        if self.not_null {
            match &self.not_null_name {
                Some(name) if *name != format!("{}_not_null", self.name) => {
                    head.push_str(&format!(" CONSTRAINT {} NOT NULL", ident(name)));
                }
                _ => head.push_str(" NOT NULL"),
            }
        }
        if let Some(default) = &self.default_expression {
            head.push_str(" DEFAULT ");
            head.push_str(default);
        }
        head
    }
}

impl Definition for Domain {
    fn create(&self, form: &Form<'_>) -> String {
        let mut text = self.head.clone();
        for check in self.checks.iter().filter(|check| !form.is_split(check.id())) {
            text.push_str("\n\t");
            text.push_str(&check.clause());
        }
        text.push_str(";\n");
        text
    }

    fn create_part(&self, part: ObjectId) -> PartText {
        match self.checks.iter().find(|check| check.id() == part) {
            Some(check) => check.statement("DOMAIN", &self.name, &self.bare_name),
            None => unreachable!("{part:?} is no check of domain {}", self.name),
        }
    }
}
