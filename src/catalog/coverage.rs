//! Nothing is silently left out: every row of the catalogs must be claimed by a kind or left out by a named rule.

use std::collections::HashSet;

use super::kind::CatalogRow;
use super::loader::{Catalog, Loader};
use super::object::ObjectId;
use super::row::row_struct;
use crate::connect::Session;
use crate::{Error, Result};

row_struct! {
    /// Something in the database, with the rule that leaves it out.
    pub struct CoverageRow { class: u32, oid: u32, rule: Option<String>, }
}

impl CatalogRow for CoverageRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(self.class, self.oid);
        match self.rule {
            Some(rule) => *loader.catalog.left_out.entry(rule).or_default() += 1,
            None => loader.to_cover.push(id),
        }
        Ok(())
    }
}

/// Unclaimed objects that an error names.
const NAMED: usize = 10;

/// Checks that every object is claimed.
///
/// # Errors
/// Names the objects that no kind understands.
pub async fn check(session: &Session, catalog: &Catalog, to_cover: &[ObjectId]) -> Result<()> {
    let unclaimed = unclaimed(catalog, to_cover);
    if unclaimed.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    for id in unclaimed.iter().take(NAMED) {
        let name: Option<String> = session
            .client
            .query_one("SELECT pg_describe_object($1, $2, 0)", &[&id.class, &id.oid])
            .await?
            .get(0);
        names.push(name.unwrap_or_else(|| format!("object {} of catalog {}", id.oid, id.class)));
    }
    if unclaimed.len() > NAMED {
        names.push(format!("{} more", unclaimed.len() - NAMED));
    }
    Err(Error::failed(format!(
        "the database has objects that pgstow does not know how to dump: {}",
        names.join(", ")
    ))
    .hint("nothing was written, because a backup without them would not be whole; please report this"))
}

/// Objects that are neither an object or part of the dump nor stand for one.
fn unclaimed(catalog: &Catalog, to_cover: &[ObjectId]) -> Vec<ObjectId> {
    let mut claimed: HashSet<ObjectId> = HashSet::new();
    for object in &catalog.objects {
        claimed.insert(object.id);
        claimed.extend(object.parts.iter().map(|part| part.id));
    }
    to_cover
        .iter()
        .filter(|id| !claimed.contains(id) && !is_alias(catalog, &claimed, **id))
        .copied()
        .collect()
}

/// Whether an id stands, in a few steps, for something claimed.
fn is_alias(catalog: &Catalog, claimed: &HashSet<ObjectId>, id: ObjectId) -> bool {
    let mut id = id;
    for _ in 0..6 {
        match catalog.aliases.get(&id) {
            Some(target) if claimed.contains(target) => return true,
            Some(target) => id = *target,
            None => return false,
        }
    }
    false
}
