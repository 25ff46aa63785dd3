//! Who does what, and what must be done before it: tasks with dependencies, pure.
//!
//! Two indexes of one table are built at once; a key wants the table for itself, as the server's locks do; a foreign key
//! waits for all rows and for the keys of both its tables.

use std::collections::{HashMap, VecDeque};

use super::order::{Build, Name};

/// A task by its number, in the order they were put up.
pub(super) type Number = usize;

/// What is known of a table.
#[derive(Debug, Default)]
struct Lane {
    /// The last task that had the table for itself.
    alone: Option<Number>,
    /// The last task that others may not even read the table beside: its rows, its keys.
    closed: Option<Number>,
    /// Tasks since then, which do not mind each other.
    together: Vec<Number>,
    /// Bytes of its rows in the file: what tasks on it are worth.
    weight: u64,
}

#[derive(Debug, Default)]
struct State {
    done: bool,
    /// Tasks to be done before.
    waits_for: usize,
    kind: Kind,
    /// Tasks that wait for it.
    wanted_by: Vec<Number>,
    weight: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Task,
    /// Opens when all that it waits for is done.
    Gate,
    /// What waits for it is read, no task: nothing waits for that.
    Readable,
}

/// The tasks of a restore.
#[derive(Debug, Default)]
pub(super) struct Board {
    tasks: Vec<State>,
    ready: Vec<Number>,
    /// Tables that can be read now, see [`readable`](Board::readable).
    readable: VecDeque<Number>,
    unfinished: usize,
    lanes: HashMap<Name, Lane>,
    /// The table of each index.
    tables: HashMap<Name, Name>,
    /// Tasks that every foreign key waits for, since the last gate.
    before_foreign_keys: Vec<Number>,
    /// No task but what opens when all those are done: each foreign key would have a list of all tables otherwise.
    gate: Option<Number>,
}

/// How a task uses a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Use {
    Together,
    #[default]
    Alone,
}

impl Board {
    /// Puts up the loading of a table's rows, which have so many bytes in the file. A table that was `there` before the
    /// script's own may refer to others of its kind: their rows are loaded in the script's order.
    pub(super) fn rows(&mut self, table: Name, bytes: u64, there: bool) -> Number {
        self.lanes.entry(table.clone()).or_default().weight += bytes;
        let mut uses = vec![(table, Use::Alone)];
        if there {
            // No table has this name.
            uses.push(Default::default());
        }
        // Indexes and keys follow them, so they come before those of a table as large.
        let number = self.put(&uses, None, bytes.saturating_mul(3));
        self.lanes.entry(uses.swap_remove(0).0).or_default().closed = Some(number);
        self.before_foreign_keys.push(number);
        number
    }

    /// Puts up a statement that builds something.
    pub(super) fn build(&mut self, build: &Build) -> Number {
        match build {
            Build::Index { table, index, .. } => {
                self.tables.insert(index.clone(), table.clone());
                let weight = self.weight(table);
                self.put(&[(table.clone(), Use::Together)], None, weight)
            }
            Build::Key { table, index, .. } => {
                self.tables.insert(index.clone(), table.clone());
                let weight = self.weight(table).saturating_mul(2);
                let number = self.put(&[(table.clone(), Use::Alone)], None, weight);
                self.lanes.entry(table.clone()).or_default().closed = Some(number);
                number
            }
            Build::Attach { parent, child } => {
                let uses: Vec<_> = [parent, child]
                    .into_iter()
                    .map(|index| (self.tables.get(index).unwrap_or(index).clone(), Use::Alone))
                    .collect();
                let number = self.put(&uses, None, 0);
                self.before_foreign_keys.push(number);
                number
            }
            Build::ForeignKey { table, refers_to } => {
                let uses = [(table.clone(), Use::Alone), (refers_to.clone(), Use::Alone)];
                let weight = self.weight(table);
                let gate = self.gate();
                self.put(&uses, gate, weight)
            }
        }
    }

    /// What is done as soon as all rows are loaded and all indexes attached; `None` if they are.
    fn gate(&mut self) -> Option<Number> {
        let mut before = std::mem::take(&mut self.before_foreign_keys);
        before.extend(self.gate.filter(|_| !before.is_empty()));
        before.retain(|&other| !self.tasks[other].done);
        if before.is_empty() {
            return self.gate.filter(|&gate| !self.tasks[gate].done);
        }
        let number = self.tasks.len();
        for &other in &before {
            self.tasks[other].wanted_by.push(number);
        }
        self.tasks.push(State {
            waits_for: before.len(),
            kind: Kind::Gate,
            ..State::default()
        });
        self.gate = Some(number);
        self.gate
    }

    /// Asks to be told by [`take_readable`](Board::take_readable) when the table has its rows and the keys put up so
    /// far, so that it can be read beside everything else.
    pub(super) fn readable(&mut self, table: &Name) -> Number {
        let number = self.tasks.len();
        let closed = self.lanes.get(table).and_then(|lane| lane.closed);
        let before = closed.filter(|&other| !self.tasks[other].done);
        self.tasks.push(State {
            waits_for: usize::from(before.is_some()),
            kind: Kind::Readable,
            ..State::default()
        });
        match before {
            Some(other) => self.tasks[other].wanted_by.push(number),
            None => self.readable.push_back(number),
        }
        number
    }

    /// The next table that has become readable.
    pub(super) fn take_readable(&mut self) -> Option<Number> {
        self.readable.pop_front()
    }

    /// Bytes of a table's rows in the file.
    pub(super) fn weight(&self, table: &Name) -> u64 {
        self.lanes.get(table).map_or(0, |lane| lane.weight)
    }

    fn put(&mut self, uses: &[(Name, Use)], also: Option<Number>, weight: u64) -> Number {
        let number = self.tasks.len();
        let mut before = Vec::from_iter(also);
        for (table, how) in uses {
            let lane = self.lanes.entry(table.clone()).or_default();
            before.extend(lane.alone);
            match how {
                Use::Together => lane.together.push(number),
                Use::Alone => {
                    before.append(&mut lane.together);
                    lane.alone = Some(number);
                }
            }
        }
        before.retain(|&other| other != number && !self.tasks[other].done);
        before.sort_unstable();
        before.dedup();
        for &other in &before {
            self.tasks[other].wanted_by.push(number);
        }
        self.tasks.push(State {
            waits_for: before.len(),
            weight,
            ..State::default()
        });
        if before.is_empty() {
            self.ready.push(number);
        }
        self.unfinished += 1;
        number
    }

    /// The heaviest task that can be begun.
    pub(super) fn take(&mut self) -> Option<Number> {
        let heaviest = self
            .ready
            .iter()
            .enumerate()
            .max_by_key(|&(_, &number)| (self.tasks[number].weight, std::cmp::Reverse(number)))?;
        Some(self.ready.swap_remove(heaviest.0))
    }

    /// This task, if it can be begun.
    pub(super) fn claim(&mut self, number: Number) -> Option<Number> {
        let at = self.ready.iter().position(|&ready| ready == number)?;
        Some(self.ready.swap_remove(at))
    }

    /// The task is done.
    pub(super) fn done(&mut self, number: Number) {
        self.unfinished -= 1;
        self.settle(number);
    }

    fn settle(&mut self, number: Number) {
        self.tasks[number].done = true;
        for other in std::mem::take(&mut self.tasks[number].wanted_by) {
            self.tasks[other].waits_for -= 1;
            if self.tasks[other].waits_for == 0 {
                match self.tasks[other].kind {
                    Kind::Task => self.ready.push(other),
                    Kind::Gate => self.settle(other),
                    Kind::Readable => self.readable.push_back(other),
                }
            }
        }
    }

    /// Whether nothing is left to be done, or being done.
    pub(super) fn is_clear(&self) -> bool {
        self.unfinished == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        (b"s".to_vec(), name.as_bytes().to_vec())
    }

    fn taken(board: &mut Board) -> Vec<Number> {
        let mut all: Vec<_> = std::iter::from_fn(|| board.take()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn keys_follow_rows_indexes_stand_together_and_foreign_keys_come_when_both_sides_stand() {
        let mut board = Board::default();
        let (t, u) = (board.rows(name("t"), 10, false), board.rows(name("u"), 20, false));
        let key = |table: &str, index: &str| Build::Key {
            table: name(table),
            index: name(index),
            sorted: true,
        };
        let index = |table: &str, index: &str| Build::Index {
            table: name(table),
            index: name(index),
            sorted: true,
        };
        let t_key = board.build(&key("t", "t_pkey"));
        let u_key = board.build(&key("u", "u_pkey"));
        let indexes = [board.build(&index("t", "a")), board.build(&index("t", "b"))];
        let foreign = board.build(&Build::ForeignKey {
            table: name("t"),
            refers_to: name("u"),
        });
        assert_eq!(board.take(), Some(u), "the larger table comes first");
        assert_eq!(board.take(), Some(t));
        assert_eq!(board.take(), None);
        board.done(t);
        assert_eq!(taken(&mut board), [t_key]);
        board.done(t_key);
        assert_eq!(taken(&mut board), indexes);
        board.done(u);
        assert_eq!(taken(&mut board), [u_key]);
        board.done(indexes[0]);
        board.done(u_key);
        assert!(taken(&mut board).is_empty());
        board.done(indexes[1]);
        assert_eq!(taken(&mut board), [foreign]);
        assert!(!board.is_clear());
        board.done(foreign);
        assert!(board.is_clear());
    }

    #[test]
    fn a_table_is_read_when_its_keys_stand_whatever_else_is_built() {
        let mut board = Board::default();
        let t = board.rows(name("t"), 1, false);
        let u = board.rows(name("u"), 9, false);
        let key = board.build(&Build::Key {
            table: name("t"),
            index: name("k"),
            sorted: true,
        });
        let index = board.build(&Build::Index {
            table: name("t"),
            index: name("i"),
            sorted: true,
        });
        let foreign = board.build(&Build::ForeignKey {
            table: name("t"),
            refers_to: name("u"),
        });
        let (read_t, read_u) = (board.readable(&name("t")), board.readable(&name("u")));
        assert_eq!(taken(&mut board), [t, u]);
        board.done(t);
        assert_eq!(board.take_readable(), None);
        assert_eq!(taken(&mut board), [key]);
        board.done(u);
        assert_eq!(board.take_readable(), Some(read_u));
        board.done(key);
        assert_eq!(board.take_readable(), Some(read_t));
        assert_eq!(taken(&mut board), [index]);
        board.done(index);
        assert_eq!(taken(&mut board), [foreign]);
        board.done(foreign);
        assert!(board.is_clear());
        let again = board.readable(&name("t"));
        assert_eq!(board.take_readable(), Some(again));
    }

    #[test]
    fn a_partition_s_index_is_attached_when_both_stand() {
        let mut board = Board::default();
        let rows = board.rows(name("c"), 1, false);
        let parent = board.build(&Build::Index {
            table: name("p"),
            index: name("pi"),
            sorted: true,
        });
        let child = board.build(&Build::Index {
            table: name("c"),
            index: name("ci"),
            sorted: true,
        });
        let attach = board.build(&Build::Attach {
            parent: name("pi"),
            child: name("ci"),
        });
        assert_eq!(taken(&mut board), [rows, parent]);
        board.done(parent);
        board.done(rows);
        assert_eq!(taken(&mut board), [child]);
        board.done(child);
        assert_eq!(taken(&mut board), [attach]);
    }

    #[test]
    fn what_was_done_before_is_not_waited_for() {
        let mut board = Board::default();
        let rows = board.rows(name("t"), 1, false);
        assert_eq!(taken(&mut board), [rows]);
        board.done(rows);
        let key = board.build(&Build::Key {
            table: name("t"),
            index: name("k"),
            sorted: true,
        });
        assert_eq!(taken(&mut board), [key]);
    }

    #[test]
    fn rows_of_tables_that_were_there_come_one_after_the_other() {
        let mut board = Board::default();
        let small = board.rows(name("kinds"), 1, true);
        let large = board.rows(name("things"), 1000, true);
        let other = board.rows(name("t"), 1, false);
        assert_eq!(taken(&mut board), [small, other]);
        board.done(small);
        assert_eq!(taken(&mut board), [large]);
    }
}
