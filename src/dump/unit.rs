//! Cutting a plan into units of work. Pure: the cut depends on the plan alone, never on the number of workers, because
//! members do not span units and the file must not depend on workers either.

use std::ops::Range;

use crate::plan::{Plan, Step, TableRows};

/// What a unit aims at, in bytes of tables as `pg_table_size` counts them. Finished units that wait for their turn are
/// the main cost in memory, and a scan by ranges of pages costs a little for each.
pub(super) const UNIT_BYTES: u64 = 8 << 20;
/// What a table costs however small it is: one round trip.
const TABLE_FLOOR: u64 = 16 << 10;
/// Large objects of one unit. Their sizes are not known beforehand.
const LARGE_OBJECTS: usize = 64;

/// One piece of a unit: numbers of steps, so that a unit borrows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The statements of this step.
    Sql { step: usize },
    /// Rows of the table of this step.
    Rows {
        step: usize,
        /// Number of the table among the plan's tables.
        table: usize,
        /// Pages to read; `None`: all there are. An open end is `u32::MAX`: the table may have grown since it was
        /// measured.
        pages: Option<Range<u32>>,
    },
    /// These of the large objects of this step.
    LargeObjects { step: usize, which: Range<usize> },
}

impl Piece {
    /// Whether these are the first rows of their table: the COPY statement comes before.
    pub(super) fn is_first(pages: &Option<Range<u32>>) -> bool {
        pages.as_ref().is_none_or(|pages| pages.start == 0)
    }

    /// Whether these are the last rows of their table: the line `\.` follows.
    pub(super) fn is_last(pages: &Option<Range<u32>>) -> bool {
        pages.as_ref().is_none_or(|pages| pages.end == u32::MAX)
    }
}

/// What one worker does in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Unit {
    pub(super) pieces: Vec<Piece>,
    /// Size of its tables, as `pg_table_size` counts, for progress.
    pub(super) bytes: u64,
}

/// The units of a plan in file order, made as they are asked for: a huge table has many.
pub(super) struct Units<'p> {
    plan: &'p Plan,
    step: usize,
    table: usize,
    /// Where the next unit of the current, divided table begins.
    page: u32,
    /// Where in the current step's large objects.
    object: usize,
}

impl<'p> Units<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Units {
            plan,
            step: 0,
            table: 0,
            page: 0,
            object: 0,
        }
    }

    /// A part of a table that is divided, or `None` if there is nothing to divide.
    fn part(&mut self, rows: &TableRows) -> Option<Unit> {
        let (pages, step) = division(rows)?;
        let start = self.page;
        // The last part takes what would be less than half a part by itself.
        let end = match start.saturating_add(step) {
            end if pages.saturating_sub(end) > step / 2 => end,
            _ => u32::MAX,
        };
        let piece = Piece::Rows {
            step: self.step,
            table: self.table,
            pages: Some(start..end),
        };
        let share = u64::from(end.min(pages) - start) * rows.bytes / u64::from(pages.max(1));
        if end == u32::MAX {
            self.page = 0;
            self.step += 1;
            self.table += 1;
        } else {
            self.page = end;
        }
        Some(Unit {
            pieces: vec![piece],
            bytes: share,
        })
    }
}

/// Whether a table's rows are many units.
pub(super) fn is_divided(rows: &TableRows) -> bool {
    division(rows).is_some()
}

/// Pages of a table that is worth dividing, and pages in one part.
fn division(rows: &TableRows) -> Option<(u32, u32)> {
    let pages = rows.heap_pages.filter(|pages| *pages > 1)?;
    if rows.bytes <= UNIT_BYTES * 3 / 2 {
        return None;
    }
    let step = UNIT_BYTES * u64::from(pages) / rows.bytes;
    // A heap page is the smallest unit, even if its rows have a hundred megabytes elsewhere.
    let step = u32::try_from(step).unwrap_or(u32::MAX).max(1);
    Some((pages, step))
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let mut unit = Unit::default();
        let mut cost = 0;
        while cost < UNIT_BYTES
            && let Some(step) = self.plan.steps.get(self.step)
        {
            match step {
                Step::Sql(text) => {
                    cost += text.len() as u64;
                    unit.pieces.push(Piece::Sql { step: self.step });
                }
                Step::Statements(_) => {
                    cost += TABLE_FLOOR;
                    unit.pieces.push(Piece::Sql { step: self.step });
                }
                Step::Rows(rows) => {
                    let large = rows.bytes > UNIT_BYTES;
                    if large && !unit.pieces.is_empty() {
                        return Some(unit);
                    }
                    if let Some(part) = self.part(rows) {
                        return Some(part);
                    }
                    unit.pieces.push(Piece::Rows {
                        step: self.step,
                        table: self.table,
                        pages: None,
                    });
                    unit.bytes += rows.bytes;
                    cost += rows.bytes + TABLE_FLOOR;
                    self.table += 1;
                }
                Step::LargeObjects(oids) => {
                    if !unit.pieces.is_empty() {
                        return Some(unit);
                    }
                    let end = (self.object + LARGE_OBJECTS).min(oids.len());
                    unit.pieces.push(Piece::LargeObjects {
                        step: self.step,
                        which: self.object..end,
                    });
                    if end < oids.len() {
                        self.object = end;
                        return Some(unit);
                    }
                    self.object = 0;
                    cost += UNIT_BYTES;
                }
            }
            self.step += 1;
        }
        (!unit.pieces.is_empty()).then_some(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bytes: u64, pages: Option<u32>) -> Step {
        Step::Rows(Box::new(TableRows {
            bytes,
            heap_pages: pages,
            ..rows()
        }))
    }

    fn rows() -> TableRows {
        TableRows {
            oid: 1,
            schema: "public".into(),
            name: "t".into(),
            columns: vec!["a".into()],
            begin: "COPY public.t (a) FROM stdin;\n".into(),
            end: "\\.\n\n".into(),
            through: None,
            inserts: None,
            filter: None,
            heap_pages: None,
            bytes: 0,
        }
    }

    fn units(steps: Vec<Step>) -> Vec<Unit> {
        let mut plan = Plan::default();
        plan.steps.extend(steps);
        Units::new(&plan).collect()
    }

    fn pages(units: &[Unit]) -> Vec<Option<Range<u32>>> {
        let pieces = units.iter().flat_map(|u| &u.pieces);
        pieces
            .filter_map(|p| match p {
                Piece::Rows { pages, .. } => Some(pages.clone()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn ranges_of_a_large_table_follow_each_other_without_gap_to_an_open_end() {
        for (bytes, count) in [
            (13 << 20, 1700),
            (100 << 20, 12_800),
            (1 << 40, u32::MAX - 1),
            (100 << 20, 19),
        ] {
            let units = units(vec![table(bytes, Some(count))]);
            let pages = pages(&units);
            let mut next = 0;
            for (i, range) in pages.iter().enumerate() {
                let range = range.as_ref().expect("the table is divided");
                assert_eq!(range.start, next);
                assert!(range.end > range.start);
                assert_eq!(range.end == u32::MAX, i + 1 == pages.len());
                next = range.end;
                if units.len() > 20 {
                    break;
                }
            }
            let total: u64 = units.iter().map(|u| u.bytes).sum();
            assert!(
                total <= bytes && total > bytes - bytes / 100,
                "{total} of {bytes}"
            );
        }
    }

    #[test]
    fn a_table_with_few_pages_and_much_toast_is_divided_by_page() {
        let units = units(vec![table(100 << 20, Some(19))]);
        assert_eq!(units.len(), 19);
    }

    #[test]
    fn small_tables_share_a_unit() {
        let steps = (0..10_000).map(|_| table(8192, Some(1))).collect();
        let units = units(steps);
        assert!((20..50).contains(&units.len()), "{} units", units.len());
        assert_eq!(units.iter().map(|u| u.pieces.len()).sum::<usize>(), 10_000);
    }

    #[test]
    fn what_cannot_be_divided_is_one_unit_of_its_own() {
        let units = units(vec![
            Step::Sql("SELECT 1;\n".into()),
            table(1 << 30, None),
            Step::Sql("SELECT 2;\n".into()),
        ]);
        assert_eq!(units.len(), 3);
        assert_eq!(pages(&units), [None]);
    }

    #[test]
    fn nothing_is_lost_and_order_is_kept() {
        let units = units(vec![
            Step::Sql("SELECT 1;\n".into()),
            table(100, Some(1)),
            table(30 << 20, Some(3000)),
            table(100, Some(1)),
            Step::LargeObjects((0..130).collect()),
            Step::Sql("SELECT 2;\n".into()),
        ]);
        let steps: Vec<_> = units
            .iter()
            .flat_map(|u| &u.pieces)
            .map(|p| match p {
                Piece::Sql { step } | Piece::Rows { step, .. } | Piece::LargeObjects { step, .. } => *step,
            })
            .collect();
        assert_eq!(steps, [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 5]);
        assert_eq!(Units::new(&Plan::default()).count(), 0);
    }
}
