//! The order in which materialised views are filled.
//!
//! What a view's query reads stands in `pg_depend`, through plain views too. What the functions it calls read does not:
//! a function's body is text to the server. A name found in that text is taken for a hint, which is followed unless it
//! contradicts what is known; at worst a view is filled later than it had to be. pg_dump does not look, and its script
//! fails where the names' order is not the one needed.

use std::collections::{HashMap, HashSet};

use super::nodes::Nodes;
use crate::catalog::id::{Facet, class};
use crate::catalog::object::Rank;

/// Views and functions by name, whatever their schema.
type Names<'a> = HashMap<&'a str, Vec<usize>>;

impl Nodes<'_> {
    /// A materialised view is refreshed after those it reads.
    pub(super) fn order_refreshes(&mut self) {
        let mut refreshes: Vec<usize> = (0..self.list.len())
            .filter(|&at| self.list[at].rank == Rank::Refresh)
            .collect();
        if refreshes.len() < 2 {
            return;
        }
        refreshes.sort_by_key(|&at| {
            let object = self.object(at);
            (object.schema.as_deref(), object.name.as_str())
        });
        let place: HashMap<usize, usize> = refreshes
            .iter()
            .enumerate()
            .map(|(place, &at)| (at, place))
            .collect();
        let names = self.readable_names();
        let mut after: Vec<Vec<usize>> = refreshes
            .iter()
            .map(|&at| self.read_by(at, None).iter().map(|read| place[read]).collect())
            .collect();
        for (from, &at) in refreshes.iter().enumerate() {
            let mut hints: Vec<usize> = self
                .read_by(at, Some(&names))
                .iter()
                .map(|read| place[read])
                .collect();
            hints.sort_unstable();
            for hint in hints {
                if !after[from].contains(&hint) && !reaches(&after, hint, from) {
                    after[from].push(hint);
                }
            }
        }
        for (from, at) in refreshes.iter().enumerate() {
            let needs = after[from].iter().map(|&to| self.list[refreshes[to]].id);
            let needs: Vec<_> = needs.collect();
            self.list[*at].needs.extend(needs);
        }
    }

    /// What a function's text can name that leads to a materialised view.
    fn readable_names(&self) -> Names<'_> {
        let mut names = Names::new();
        for (at, node) in self.list.iter().enumerate() {
            let object = self.object(at);
            let is_view = node.rank == Rank::Table && object.type_name.ends_with("VIEW");
            if is_view || node.rank == Rank::Function {
                names.entry(object.name.as_str()).or_default().push(at);
            }
        }
        names
    }

    /// The refreshes of all materialised views that the query behind one reads: through plain views, or, where names are
    /// given, through whatever it uses and whatever the bodies of its functions name.
    fn read_by(&self, refresh: usize, names: Option<&Names<'_>>) -> Vec<usize> {
        let Some(start) = self.find(self.list[refresh].id.facet(Facet::Itself)) else {
            return Vec::new();
        };
        let mut seen = HashSet::from([start]);
        let (mut pending, mut found) = (vec![start], Vec::new());
        while let Some(at) = pending.pop() {
            let mut reads: Vec<usize> = self.all_needs(at).filter_map(|id| self.find(id)).collect();
            if let (Rank::Function, Some(names)) = (self.list[at].rank, names) {
                reads.extend(self.named_in_body(at, names));
            }
            for read in reads {
                let id = self.list[read].id;
                if !seen.insert(read) || (names.is_none() && id.class != class::CLASS) {
                    continue;
                }
                match self.place(id.facet(Facet::Data)) {
                    Some(place) if self.list[place].rank == Rank::Refresh => found.push(place),
                    Some(_) => {}
                    None => pending.push(read),
                }
            }
        }
        found
    }

    fn named_in_body(&self, function: usize, names: &Names<'_>) -> Vec<usize> {
        let text = self.object(function).definition.create(&Default::default());
        text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .flat_map(|word| {
                let folded = word.to_ascii_lowercase();
                let as_written = names.get(word).filter(|_| folded != word);
                let as_folded = names.get(folded.as_str());
                as_written.into_iter().chain(as_folded).flatten().copied()
            })
            .collect()
    }
}

/// Whether one leads to the other.
fn reaches(after: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut pending) = (HashSet::from([from]), vec![from]);
    while let Some(at) = pending.pop() {
        if at == to {
            return true;
        }
        pending.extend(after[at].iter().filter(|&&next| seen.insert(next)));
    }
    false
}
