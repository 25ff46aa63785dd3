//! What a restore did, in numbers.

/// Counts of what a restore did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements replayed.
    pub statements: u64,
    /// Tables that rows were loaded into, counting each COPY.
    pub tables: u64,
    /// Rows loaded by COPY.
    pub rows: u64,
}

impl Counts {
    /// Adds what another connection did.
    pub(super) fn add(&mut self, other: &Counts) {
        self.statements += other.statements;
        self.tables += other.tables;
        self.rows += other.rows;
    }
}
