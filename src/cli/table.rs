//! Aligned columns of text.

use crate::escape;

/// A table under construction: a heading, then rows of as many cells.
pub struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins with a heading; a column whose heading begins with `>` is aligned to the right.
    pub fn new(heading: &[&str]) -> Table {
        Table {
            right: heading.iter().map(|h| h.starts_with('>')).collect(),
            rows: vec![
                heading
                    .iter()
                    .map(|h| h.trim_start_matches('>').to_string())
                    .collect(),
            ],
        }
    }

    /// Adds a row. Control characters, which could move a terminal's cursor, become `?`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let clean = |cell: String| {
            escape::shown(&cell)
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect()
        };
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// The text, ending in a newline.
    pub fn render(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                let width = widths[column];
                line.push_str(&match self.right[column] {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:<width$}"),
                });
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let mut table = Table::new(&["NAME", ">ROWS", "NOTE"]);
        table.row(["größe".into(), "5".into(), String::new()]);
        table.row(["a\x1b[2J".into(), "1,000".into(), "x".into()]);
        assert_eq!(
            table.render(),
            "NAME    ROWS  NOTE\ngröße      5\na?[2J  1,000  x\n"
        );
    }
}
