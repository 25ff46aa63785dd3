//! Large objects: made, owned, commented and granted in groups of those alike, so that millions of them do not make
//! millions of nodes; their contents come with the data.

use super::drop::Drop;
use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Data, Object, Rank};
use super::row::row_struct;
use crate::Result;

row_struct! {
    /// A large object.
    pub struct LargeObjectRow { oid: u32, owner: u32, acl: Option<Vec<String>>, default_acl: Option<Vec<String>>, }
}

/// Large objects in one node at most, as pg_dump groups them.
const GROUP: usize = 1000;

impl CatalogRow for LargeObjectRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        loader.large_objects.push(self);
        Ok(())
    }
}

/// Makes groups of all large objects, and one object of all contents.
pub fn finish(loader: &mut Loader) {
    let mut all = std::mem::take(&mut loader.large_objects);
    let oids: Vec<u32> = all.iter().map(|lo| lo.oid).collect();
    if oids.is_empty() {
        return;
    }
    all.sort_by(|a, b| (a.owner, &a.acl, a.oid).cmp(&(b.owner, &b.acl, b.oid)));
    let alike = all.chunk_by(|a, b| (a.owner, &a.acl) == (b.owner, &b.acl));
    let groups: Vec<&[LargeObjectRow]> = alike.flat_map(|same| same.chunks(GROUP)).collect();
    let ids: Vec<ObjectId> = groups.iter().map(|group| add_group(group, loader)).collect();
    let mut contents = Object::new(
        ObjectId::new(class::LARGEOBJECT, 0).facet(Facet::Data),
        Rank::LargeObjectData,
        "BLOBS",
        None,
        "BLOBS",
        String::new(),
    );
    contents.depends = ids;
    contents.data = Some(Data::LargeObjects(oids));
    loader.add(contents);
}

fn id(oid: u32) -> ObjectId {
    ObjectId::new(class::LARGEOBJECT_METADATA, oid)
}

fn add_group(group: &[LargeObjectRow], loader: &mut Loader) -> ObjectId {
    let (first, last) = (&group[0], &group[group.len() - 1]);
    let name = if group.len() == 1 {
        first.oid.to_string()
    } else {
        format!("{}..{}", first.oid, last.oid)
    };
    let create: String = group
        .iter()
        .map(|lo| format!("SELECT pg_catalog.lo_create('{}');\n", lo.oid))
        .collect();
    let mut object = Object::new(
        id(first.oid),
        Rank::LargeObject,
        "BLOB METADATA",
        None,
        &name,
        create,
    );
    object.owner = Some(loader.role(first.owner));
    object.drop_by(Drop::LargeObjects(group.iter().map(|lo| lo.oid).collect()));
    for lo in group {
        let (of, address) = (labelled(lo.oid), format!("LARGE OBJECT {}", lo.oid));
        if loader.catalog.comments.contains_key(&of) || loader.catalog.security_labels.contains_key(&of) {
            object.addresses.push(Address {
                of,
                sub: 0,
                kind: "LARGE OBJECT",
                name: lo.oid.to_string(),
            });
        }
        let base = loader.base_privileges(of, 0, lo.default_acl.clone());
        object = object.granted(address.clone(), None, lo.acl.clone(), base);
        object.owner_addresses.push(address);
        if lo.oid != first.oid {
            loader.catalog.aliases.insert(id(lo.oid), object.id);
        }
    }
    let of = object.id;
    loader.add(object);
    of
}

/// Comments and labels of large objects are kept under `pg_largeobject`, not under the catalog of their owners.
fn labelled(oid: u32) -> ObjectId {
    ObjectId::new(class::LARGEOBJECT, oid)
}
