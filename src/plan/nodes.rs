//! The catalog's objects as nodes of the dependency graph.

use std::collections::HashMap;

use super::order::{self, Section};
use crate::catalog::Catalog;
use crate::catalog::id::{Facet, ObjectId, class};
use crate::catalog::loader::Dependency;
use crate::catalog::object::{Object, Rank};

/// One thing that gets a place in the file: an object, or a part of one that was split off.
#[derive(Debug)]
pub struct Node {
    /// Its identity.
    pub id: ObjectId,
    /// Index into [`Catalog::objects`], which are fewer than 32 bits can count: so many OIDs there are.
    object: u32,
    /// The part it is, if it is one.
    pub part: Option<ObjectId>,
    /// Its place by rank.
    pub rank: Rank,
    /// Its section; never earlier than that of anything it needs.
    pub section: Section,
    /// What it needs for itself; something may stand here twice.
    pub needs: Vec<ObjectId>,
    /// What its unsplit parts need, part by part.
    pub parts: Vec<(ObjectId, Vec<ObjectId>)>,
    /// Parts that were split off.
    pub split: Vec<ObjectId>,
}

/// All nodes, and how to find them.
#[derive(Debug)]
pub struct Nodes<'a> {
    /// The objects behind the nodes.
    pub catalog: &'a Catalog,
    /// The nodes.
    pub list: Vec<Node>,
    places: HashMap<ObjectId, u32>,
}

/// A node that has its place in the file, without what led there.
#[derive(Debug)]
pub struct Placed {
    /// Index into [`Catalog::objects`].
    pub object: usize,
    /// The part it is, if it is one.
    pub part: Option<ObjectId>,
    /// Its kind of place.
    pub rank: Rank,
    /// Its section.
    pub section: Section,
    /// Parts that were split off.
    pub split: Vec<ObjectId>,
}

impl<'a> Nodes<'a> {
    /// A node for each object, with everything `pg_depend` and the kinds say it needs.
    pub fn new(catalog: &'a Catalog, dependencies: Vec<Dependency>) -> Self {
        let mut nodes = Nodes {
            catalog,
            list: Vec::new(),
            places: HashMap::new(),
        };
        for (at, object) in catalog.objects.iter().enumerate() {
            nodes.places.insert(object.id, at as u32);
            nodes.list.push(Node {
                id: object.id,
                object: at as u32,
                part: None,
                rank: object.rank,
                section: order::section(object.rank),
                needs: object.depends.clone(),
                parts: object.parts.iter().map(|part| (part.id, Vec::new())).collect(),
                split: Vec::new(),
            });
        }
        // Unsplit parts are found through their objects.
        let mut part_of = HashMap::new();
        for (at, node) in nodes.list.iter().enumerate() {
            for (slot, (part, _)) in node.parts.iter().enumerate() {
                nodes.places.insert(*part, at as u32);
                part_of.insert(*part, (at, slot));
            }
        }
        nodes.fill(&part_of, dependencies);
        drop(part_of);
        nodes.complete_references();
        nodes.order_refreshes();
        for at in 0..nodes.list.len() {
            let object = nodes.object(at);
            let split: Vec<ObjectId> = object.parts.iter().filter(|p| p.split).map(|p| p.id).collect();
            for part in split {
                nodes.split(at, part);
            }
        }
        nodes
    }

    /// The object behind a node.
    pub fn object(&self, at: usize) -> &'a Object {
        &self.catalog.objects[self.list[at].object as usize]
    }

    /// The node that makes what `id` names, following rows that stand for others.
    pub fn find(&self, id: ObjectId) -> Option<usize> {
        let mut id = id;
        // The longest way is an array of a row type of a table of an extension.
        for _ in 0..6 {
            if let Some(at) = self.place(id) {
                return Some(at);
            }
            id = *self.catalog.aliases.get(&id)?;
        }
        None
    }

    /// The node of this very id.
    pub(super) fn place(&self, id: ObjectId) -> Option<usize> {
        self.places.get(&id).map(|&at| at as usize)
    }

    fn fill(&mut self, part_of: &HashMap<ObjectId, (usize, usize)>, dependencies: Vec<Dependency>) {
        for dependency in dependencies {
            if self.is_member(dependency.of) {
                continue;
            }
            if let Some(&(at, slot)) = part_of.get(&dependency.of) {
                push_new(&mut self.list[at].parts[slot].1, dependency.on);
            } else if let Some(at) = self.find(dependency.of) {
                push_new(&mut self.list[at].needs, dependency.on);
            }
        }
    }

    fn is_member(&self, id: ObjectId) -> bool {
        self.catalog
            .aliases
            .get(&id)
            .is_some_and(|target| target.class == class::EXTENSION)
    }

    /// A foreign key that refers to a partitioned table needs the table's key whole: all partitions' attached.
    fn complete_references(&mut self) {
        for (key, index) in &self.catalog.references {
            let mut pending = vec![*index];
            while let Some(index) = pending.pop() {
                for attachment in self.catalog.index_attachments.get(&index).into_iter().flatten() {
                    if let Some(at) = self.place(*key) {
                        self.list[at].needs.push(*attachment);
                    }
                    pending.push(attachment.facet(Facet::Itself));
                }
            }
        }
    }

    /// Puts rows that others refer to before those: without the schema, the foreign keys are there already.
    pub fn order_rows(&mut self) {
        for object in self
            .catalog
            .objects
            .iter()
            .filter(|object| object.rank == Rank::ForeignKey)
        {
            let [table, referenced] = object.depends[..] else {
                continue;
            };
            if let (Some(at), true) = (self.place(table.facet(Facet::Data)), table != referenced) {
                self.list[at].needs.push(referenced.facet(Facet::Data));
            }
        }
    }

    /// What a node needs, for itself and for its unsplit parts.
    pub fn all_needs(&self, at: usize) -> impl Iterator<Item = ObjectId> + '_ {
        let node = &self.list[at];
        node.needs
            .iter()
            .chain(node.parts.iter().flat_map(|(_, needs)| needs))
            .copied()
    }

    /// Makes a part a node of its own, which comes after its object. Does nothing for a part already split.
    pub fn split(&mut self, at: usize, part: ObjectId) {
        let object = self.object(at);
        let Some(rank) = object.parts.iter().find(|p| p.id == part).and_then(|p| p.rank) else {
            return;
        };
        let Some(slot) = self.list[at].parts.iter().position(|(id, _)| *id == part) else {
            return;
        };
        let (_, mut needs) = self.list[at].parts.swap_remove(slot);
        needs.push(self.list[at].id);
        self.list[at].split.push(part);
        let node = Node {
            id: part,
            object: self.list[at].object,
            part: Some(part),
            rank,
            section: order::section(rank),
            needs,
            parts: Vec::new(),
            split: Vec::new(),
        };
        self.places.insert(part, self.list.len() as u32);
        self.list.push(node);
    }

    /// What decides a node's place where no dependency does.
    fn name_key(&self, at: usize) -> impl Ord + '_ {
        let (node, object) = (&self.list[at], self.object(at));
        let part = node
            .part
            .map(|part| object.parts.iter().position(|p| p.id == part));
        let names = (
            object.schema.as_deref(),
            object.name.as_str(),
            object.signature.as_str(),
        );
        (
            order::pass(node.rank),
            node.section,
            order::position(node.rank),
            names,
            part,
            node.id.facet,
            node.id,
        )
    }

    /// The nodes in their final order.
    pub fn placed(self, order: &[usize]) -> Vec<Placed> {
        let mut list = self.list;
        drop(self.places);
        for node in &mut list {
            // The largest part of the memory, and of no more use.
            node.needs = Vec::new();
            node.parts = Vec::new();
        }
        let place = |&at: &usize| {
            let node = &mut list[at];
            Placed {
                object: node.object as usize,
                part: node.part,
                rank: node.rank,
                section: node.section,
                split: std::mem::take(&mut node.split),
            }
        };
        order.iter().map(place).collect()
    }

    /// Node numbers in the order that only names decide: section, rank, schema, name, signature, facet, OID.
    pub fn by_name(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by(|&a, &b| self.name_key(a).cmp(&self.name_key(b)));
        order
    }
}

/// Adds to a list unless it stands last already: a dependency on a table repeats for each of its columns.
fn push_new(list: &mut Vec<ObjectId>, id: ObjectId) {
    if list.last() != Some(&id) {
        list.push(id);
    }
}
