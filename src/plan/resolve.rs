//! From nodes to an order: sorts, cures loops until there are none, and moves to a later section what needs something
//! there.
//!
//! Every loop that a real database can have is cured by one of these, tried in this order:
//!
//! 1. a type and its input and output functions: the functions need only the shell of the type;
//! 2. a view and what its query needs (a key it groups by, a function of its own row type): a dummy view first;
//! 3. a check of a table or domain, then a column's default, which needs what needs the table: split off;
//! 4. rows of tables that refer to each other (extensions' configuration): one reference is given up, with a warning;
//! 5. anything else is given up likewise, with a warning that names the objects.

use std::collections::HashMap;

use super::graph::{self, Needs};
use super::nodes::Nodes;
use super::order::Section;
use crate::catalog::id::{Facet, ObjectId};
use crate::catalog::object::Rank;

/// Puts the nodes into their final order. Returns node numbers, and a warning for each dependency that was given up.
pub fn resolve(nodes: &mut Nodes<'_>) -> (Vec<usize>, Vec<String>) {
    let mut warnings = Vec::new();
    loop {
        let names = nodes.by_name();
        let needs = numbered(nodes, &names);
        let order: Vec<usize> = match graph::sort(&needs) {
            Ok(order) => order.into_iter().map(|number| names[number]).collect(),
            Err(stuck) => {
                for found in graph::loops(&needs, &stuck) {
                    let found: Vec<usize> = found.into_iter().map(|number| names[number]).collect();
                    cure(nodes, &found, &mut warnings);
                }
                continue;
            }
        };
        if !settle_sections(nodes, &order) {
            return (order, warnings);
        }
    }
}

/// What each node needs, in numbers of the order by name.
fn numbered(nodes: &Nodes<'_>, names: &[usize]) -> Needs {
    let mut number = vec![0; names.len()];
    for (at, &node) in names.iter().enumerate() {
        number[node] = at;
    }
    let mut all = Needs::default();
    let mut needs: Vec<usize> = Vec::new();
    for &at in names {
        needs.clear();
        needs.extend(
            nodes
                .all_needs(at)
                .filter_map(|id| nodes.find(id))
                .filter(|&need| need != at)
                .map(|need| number[need]),
        );
        needs.sort_unstable();
        needs.dedup();
        all.push(&needs);
    }
    all
}

/// Moves nodes to the section of the latest thing they need, splitting off a part instead where only the part needs it.
/// Returns whether anything changed, so that the order is not final.
fn settle_sections(nodes: &mut Nodes<'_>, order: &[usize]) -> bool {
    let mut changed = false;
    for &at in order {
        let section = nodes.list[at].section;
        let late = |nodes: &Nodes<'_>, ids: &mut dyn Iterator<Item = ObjectId>| -> Option<Section> {
            ids.filter_map(|id| nodes.find(id))
                .filter(|&need| need != at)
                .map(|need| nodes.list[need].section)
                .max()
                .filter(|&needed| needed > section)
        };
        let late_parts: Vec<ObjectId> = nodes.list[at]
            .parts
            .iter()
            .filter(|(_, needs)| late(nodes, &mut needs.iter().copied()).is_some())
            .map(|(part, _)| *part)
            .collect();
        for part in late_parts {
            let count = nodes.list.len();
            nodes.split(at, part);
            changed |= nodes.list.len() > count;
        }
        let needs: Vec<ObjectId> = nodes.all_needs(at).collect();
        if let Some(needed) = late(nodes, &mut needs.into_iter()) {
            nodes.list[at].section = needed;
            changed = true;
        }
    }
    changed
}

/// Takes one dependency out of a loop in which each node needs the next.
fn cure(nodes: &mut Nodes<'_>, found: &[usize], warnings: &mut Vec<String>) {
    let steps: Vec<(usize, usize)> = (0..found.len())
        .map(|i| (found[i], found[(i + 1) % found.len()]))
        .collect();
    if use_shell(nodes, &steps) || split_part(nodes, &steps) {
        return;
    }
    let is_rows = |&&(from, to): &&(usize, usize)| {
        nodes.list[from].rank == Rank::TableData && nodes.list[to].rank == Rank::TableData
    };
    let &(from, to) = steps.iter().find(is_rows).unwrap_or(&steps[0]);
    let names: Vec<String> = found.iter().map(|&at| describe(nodes, at)).collect();
    warnings.push(format!(
        "these objects need each other and no order suits them all: {}; {} is written before {}",
        names.join(", "),
        describe(nodes, from),
        describe(nodes, to)
    ));
    give_up(nodes, from, to);
}

/// A function that its type needs for input or output takes the type's shell.
fn use_shell(nodes: &mut Nodes<'_>, steps: &[(usize, usize)]) -> bool {
    for &(from, to) in steps {
        let shell = nodes.list[to].id.facet(Facet::Shell);
        let is_function = matches!(nodes.list[from].rank, Rank::Function | Rank::Aggregate);
        if is_function && nodes.list[to].rank == Rank::Type && nodes.find(shell).is_some() {
            give_up(nodes, from, to);
            nodes.list[from].needs.push(shell);
            return true;
        }
    }
    false
}

/// Splits off a part through which alone a step of the loop goes; a view's query before a check before a default.
fn split_part(nodes: &mut Nodes<'_>, steps: &[(usize, usize)]) -> bool {
    let mut best: Option<(usize, usize, Vec<ObjectId>)> = None;
    for &(from, to) in steps {
        let leads = |id: &ObjectId| nodes.find(*id) == Some(to);
        if nodes.list[from].needs.iter().any(leads) {
            continue;
        }
        let through: Vec<ObjectId> = nodes.list[from]
            .parts
            .iter()
            .filter(|(_, needs)| needs.iter().any(leads))
            .map(|(part, _)| *part)
            .collect();
        let object = nodes.object(from);
        let ranks: Option<Vec<Rank>> = through
            .iter()
            .map(|part| object.parts.iter().find(|p| p.id == *part).and_then(|p| p.rank))
            .collect();
        let Some(preference) = ranks.and_then(|ranks| ranks.into_iter().map(preference).max()) else {
            continue;
        };
        if best.as_ref().is_none_or(|(_, least, _)| preference < *least) {
            best = Some((from, preference, through));
        }
    }
    let Some((at, _, parts)) = best else { return false };
    for part in parts {
        nodes.split(at, part);
    }
    true
}

fn preference(rank: Rank) -> usize {
    match rank {
        Rank::Rule => 0,
        Rank::Constraint => 1,
        _ => 2,
    }
}

/// Removes everything by which one node needs the other.
fn give_up(nodes: &mut Nodes<'_>, from: usize, to: usize) {
    let leads: HashMap<ObjectId, bool> = nodes
        .all_needs(from)
        .map(|id| (id, nodes.find(id) == Some(to)))
        .collect();
    let keep = |id: &ObjectId| !leads.get(id).copied().unwrap_or_default();
    let node = &mut nodes.list[from];
    node.needs.retain(keep);
    for (_, needs) in &mut node.parts {
        needs.retain(keep);
    }
}

fn describe(nodes: &Nodes<'_>, at: usize) -> String {
    let object = nodes.object(at);
    let schema = object
        .schema
        .as_ref()
        .map(|schema| format!("{schema}."))
        .unwrap_or_default();
    format!(
        "{} {schema}{}",
        object.type_name.to_lowercase(),
        object.tag.as_ref().unwrap_or(&object.name)
    )
}
