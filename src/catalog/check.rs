//! Check constraints of tables and domains: parts of their statements, objects of their own when split off.

use super::definition::{Part, PartText};
use super::drop::Drop;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, script_literal};

row_struct! {
    /// A check constraint.
    pub struct CheckRow {
        oid: u32,
        name: String,
        /// The table, or 0.
        relation: u32,
        /// The domain, or 0.
        domain: u32,
        /// `CHECK (...)`, with what follows it.
        definition: String,
        is_valid: bool,
        is_local: bool,
    }
}

/// A check constraint.
pub type Check = CheckRow;

impl CatalogRow for CheckRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let owner = if self.relation != 0 {
            ObjectId::new(class::CLASS, self.relation)
        } else {
            ObjectId::new(class::TYPE, self.domain)
        };
        loader.checks.entry(owner).or_default().push(self);
        Ok(())
    }
}

impl CheckRow {
    /// Its node.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(class::CONSTRAINT, self.oid)
    }

    /// As a part of its table or domain. One that is not valid comes after the data, which may not meet it.
    pub fn part(&self) -> Part {
        Part {
            id: self.id(),
            rank: Some(Rank::Constraint),
            split: !self.is_valid,
        }
    }

    /// What `COMMENT ON` calls it, `on` being `public.t` or `DOMAIN public.d`.
    pub fn address(&self, on: &str) -> Address {
        Address {
            of: self.id(),
            sub: 0,
            kind: "CONSTRAINT",
            name: format!("{} ON {on}", ident(&self.name)),
        }
    }

    /// `CONSTRAINT name CHECK (...)`.
    pub fn clause(&self) -> String {
        format!("CONSTRAINT {} {}", ident(&self.name), self.definition)
    }

    /// As a statement of its own. `altered` is `TABLE` or `DOMAIN`, `name` the table's or domain's.
    pub fn statement(&self, altered: &'static str, name: &str, bare_name: &str) -> PartText {
        PartText {
            type_name: "CHECK CONSTRAINT",
            tag: format!("{bare_name} {}", self.name),
            create: format!("ALTER {altered} {name}\n    ADD {};\n", self.clause()),
            drop: match altered {
                "DOMAIN" => Drop::Guarded {
                    when: format!("pg_catalog.to_regtype({}) IS NOT NULL", script_literal(name)),
                    statement: format!(
                        "ALTER DOMAIN {name} DROP CONSTRAINT IF EXISTS {};\n",
                        ident(&self.name)
                    ),
                },
                _ => Drop::FromTable {
                    altered,
                    name: name.to_string(),
                    action: "DROP CONSTRAINT",
                    part: ident(&self.name),
                },
            },
        }
    }
}
