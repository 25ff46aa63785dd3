//! Sorting by dependencies, for any nodes that have numbers: a topological sort that disturbs a given order least, and
//! the search for loops where there is none.

use std::collections::BinaryHeap;

/// What each node needs, by number. Nodes are numbered in the order that is to be disturbed least. All lists stand in one,
/// for there are as many as the database has objects, and most are short.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Where each node's list ends in `all`.
    ends: Vec<usize>,
    all: Vec<u32>,
}

impl Needs {
    /// Adds the next node.
    pub fn push(&mut self, needs: &[usize]) {
        // Objects have numbers of 32 bits in the catalogs, so there are no more of them.
        self.all.extend(needs.iter().map(|&need| need as u32));
        self.ends.push(self.all.len());
    }

    /// How many nodes there are.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// What a node needs.
    fn of(&self, node: usize) -> &[u32] {
        let start = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.all[start..self.ends[node]]
    }
}

impl<List: AsRef<[usize]>> FromIterator<List> for Needs {
    fn from_iter<Lists: IntoIterator<Item = List>>(lists: Lists) -> Self {
        let mut needs = Needs::default();
        for list in lists {
            needs.push(list.as_ref());
        }
        needs
    }
}

/// The nodes in an order in which each comes after what it needs; or, where loops prevent that, the nodes that are in
/// a loop or needed by one.
///
/// Filled from the end: of all nodes that no remaining node needs, the one that stands last goes last (Knuth's
/// algorithm T as pg_dump uses it), so that a node moves forward only as far as those who need it demand.
///
/// # Errors
/// The nodes that could not be placed, ascending.
pub fn sort(needs: &Needs) -> Result<Vec<usize>, Vec<usize>> {
    let mut needed_by = vec![0usize; needs.len()];
    for &need in &needs.all {
        needed_by[need as usize] += 1;
    }
    let mut free: BinaryHeap<usize> = (0..needs.len()).filter(|&node| needed_by[node] == 0).collect();
    let mut placed = vec![false; needs.len()];
    let mut reversed = Vec::with_capacity(needs.len());
    while let Some(node) = free.pop() {
        placed[node] = true;
        reversed.push(node);
        for need in needs.of(node).iter().map(|&need| need as usize) {
            needed_by[need] -= 1;
            if needed_by[need] == 0 {
                free.push(need);
            }
        }
    }
    if reversed.len() == needs.len() {
        reversed.reverse();
        Ok(reversed)
    } else {
        Err((0..needs.len()).filter(|&node| !placed[node]).collect())
    }
}

/// Loops among `nodes`, none sharing a node with another: each a list in which every node needs the next, and the
/// last the first.
pub fn loops(needs: &Needs, nodes: &[usize]) -> Vec<Vec<usize>> {
    let mut state = vec![State::Outside; needs.len()];
    for &node in nodes {
        state[node] = State::Unseen;
    }
    let mut found = Vec::new();
    for &start in nodes {
        if state[start] == State::Unseen {
            walk(needs, start, &mut state, &mut found);
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Unseen,
    OnPath,
    Done,
}

/// Depth first, without recursion: dependency chains can be as long as the database has objects.
fn walk(needs: &Needs, start: usize, state: &mut [State], found: &mut Vec<Vec<usize>>) {
    let mut path: Vec<(usize, usize)> = vec![(start, 0)];
    state[start] = State::OnPath;
    while let Some(&mut (node, ref mut next)) = path.last_mut() {
        let Some(need) = needs.of(node).get(*next).map(|&need| need as usize) else {
            state[node] = State::Done;
            path.pop();
            continue;
        };
        *next += 1;
        match state[need] {
            State::Unseen => {
                state[need] = State::OnPath;
                path.push((need, 0));
            }
            State::OnPath => {
                let from = path.iter().position(|&(on_path, _)| on_path == need).unwrap_or(0);
                found.push(path[from..].iter().map(|&(on_path, _)| on_path).collect());
                // Its nodes are spoken for until the loop is cured; the walk goes on before it.
                for (looped, _) in path.drain(from..) {
                    state[looped] = State::Done;
                }
            }
            State::Outside | State::Done => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_already_holds_stays_as_it_is() {
        let needs = Needs::from_iter([vec![], vec![0], vec![], vec![1, 2]]);
        assert_eq!(sort(&needs), Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn what_is_needed_moves_forward_just_far_enough() {
        // 1 needs 3: 3 comes right before 1, all else keeps its place.
        let needs = Needs::from_iter([vec![], vec![3], vec![], vec![], vec![]]);
        assert_eq!(sort(&needs), Ok(vec![0, 3, 1, 2, 4]));
    }

    #[test]
    fn loops_are_found_and_do_not_overlap() {
        let needs = Needs::from_iter([vec![1], vec![0], vec![3], vec![4], vec![2], vec![0]]);
        let Err(stuck) = sort(&needs) else {
            panic!("there are loops")
        };
        let mut found = loops(&needs, &stuck);
        found.iter_mut().for_each(|l| l.sort_unstable());
        found.sort();
        assert_eq!(found, vec![vec![0, 1], vec![2, 3, 4]]);
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let count = 300_000;
        let mut needs: Vec<Vec<usize>> = (0..count)
            .map(|i| if i + 1 < count { vec![i + 1] } else { vec![] })
            .collect();
        let chain = Needs::from_iter(&needs);
        assert_eq!(sort(&chain).map(|order| order[0]), Ok(count - 1));
        needs[count - 1].push(0);
        let needs = Needs::from_iter(&needs);
        let all: Vec<usize> = (0..count).collect();
        assert_eq!(loops(&needs, &all).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn every_node_comes_after_what_it_needs(edges in proptest::collection::vec((0usize..40, 0usize..40), 0..120)) {
            let mut needs: Vec<Vec<usize>> = vec![Vec::new(); 40];
            for (a, b) in edges {
                needs[a.max(b)].extend((a != b).then_some(a.min(b)));
            }
            let order = sort(&Needs::from_iter(&needs)).expect("edges only go down");
            let place: Vec<usize> = (0..40).map(|n| order.iter().position(|&o| o == n).unwrap()).collect();
            for (node, needed) in needs.iter().enumerate() {
                for need in needed {
                    proptest::prop_assert!(place[*need] < place[node]);
                }
            }
        }
    }
}
