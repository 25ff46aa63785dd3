//! Nothing is silently left out: every row of the catalogs must be claimed by a kind or left out by a named rule.

use std::collections::HashSet;

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::{Catalog, Loader};
use super::row::row_struct;
use crate::connect::Session;
use crate::{Error, Result};

row_struct! {
    /// Something in the database; or how many objects a rule leaves out.
    pub struct CoverageRow {
        class: u32,
        oid: u32,
        /// Those left out are only counted.
        rule: Option<String>,
        count: i64,
    }
}

impl CatalogRow for CoverageRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(self.class, self.oid);
        match self.rule {
            Some(rule) => {
                let count = loader.catalog.left_out.entry(rule).or_default();
                *count += usize::try_from(self.count).unwrap_or_default();
            }
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
pub async fn check(session: &Session, catalog: &Catalog, to_cover: Vec<ObjectId>) -> Result<()> {
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

/// Warns of comments and security labels that no statement of the dump will say. An object that the dump makes has
/// places for them; what has none (a partition's copy of a trigger, an index that was not finished) is named.
///
/// # Errors
/// A lost connection.
pub async fn check_comments(session: &Session, catalog: &mut Catalog) -> Result<()> {
    let unsaid = unsaid(catalog);
    if unsaid.is_empty() {
        return Ok(());
    }
    let classes: Vec<u32> = unsaid.iter().map(|(id, _)| id.class).collect();
    let oids: Vec<u32> = unsaid.iter().map(|(id, _)| id.oid).collect();
    let subs: Vec<i32> = unsaid.iter().map(|(_, sub)| *sub).collect();
    // Other sessions' temporary tables have comments, too.
    let names = "SELECT pg_describe_object(class, oid, sub)
        FROM unnest($1::oid[], $2::oid[], $3::int4[]) AS u (class, oid, sub)
        WHERE (pg_identify_object(class, oid, sub)).identity !~ '(^| )pg_temp(_[0-9]+)?\\.'
        ORDER BY 1";
    for row in session.client.query(names, &[&classes, &oids, &subs]).await? {
        let name: String = super::row::value(&row, 0)?;
        catalog.warnings.push(format!(
            "the comment or security label of {name} is not in the dump"
        ));
    }
    Ok(())
}

/// What has a comment or label, but no place in the dump to say it. Extensions' members have theirs from the extension.
fn unsaid(catalog: &Catalog) -> Vec<(ObjectId, i32)> {
    let places: HashSet<(ObjectId, i32)> = catalog
        .objects
        .iter()
        .flat_map(|object| &object.addresses)
        .map(|address| (address.of, address.sub))
        .collect();
    let comments = catalog
        .comments
        .iter()
        .flat_map(|(id, comments)| comments.iter().map(|(sub, _)| (*id, *sub)));
    let labels = catalog
        .security_labels
        .iter()
        // Those of subscriptions are kept for the whole server: what has no place is another database's.
        .filter(|(id, _)| id.class != class::SUBSCRIPTION)
        .flat_map(|(id, labels)| labels.iter().map(|label| (*id, label.sub)));
    let is_member = |id: &ObjectId| {
        let target = catalog.aliases.get(id);
        target.is_some_and(|target| target.class == class::EXTENSION)
    };
    comments
        .chain(labels)
        .filter(|place @ (id, _)| !places.contains(place) && !is_member(id))
        .collect()
}

/// Objects that are neither an object or part of the dump nor stand for one.
fn unclaimed(catalog: &Catalog, to_cover: Vec<ObjectId>) -> Vec<ObjectId> {
    let ids = catalog
        .objects
        .iter()
        .flat_map(|object| std::iter::once(object.id).chain(object.parts.iter().map(|part| part.id)));
    // Sorted, for a set of them would be the larger half of the memory.
    let mut claimed: Vec<ObjectId> = ids.collect();
    claimed.sort_unstable();
    let is_claimed = |id: &ObjectId| claimed.binary_search(id).is_ok();
    to_cover
        .into_iter()
        .filter(|&id| !is_claimed(&id) && !is_alias(catalog, is_claimed, id))
        .collect()
}

/// Whether an id stands, in a few steps, for something claimed.
fn is_alias(catalog: &Catalog, is_claimed: impl Fn(&ObjectId) -> bool, id: ObjectId) -> bool {
    let mut id = id;
    for _ in 0..6 {
        match catalog.aliases.get(&id) {
            Some(target) if is_claimed(target) => return true,
            Some(target) => id = *target,
            None => return false,
        }
    }
    false
}
