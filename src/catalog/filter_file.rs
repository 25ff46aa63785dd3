//! The file of `--filter`: one line an object or a pattern, `include` or `exclude` in front. Pure text work.

use super::names::{Filter, TablePattern};
use super::pattern::Pattern;
use crate::{Error, Result};

/// Adds what the lines of a filter file say to a filter.
///
/// A line is `include|exclude KIND PATTERN`, KIND being `table`, `table_and_children`, `table_data`,
/// `table_data_and_children`, `schema`, `extension` or `foreign_data`. `#` begins a comment. A quoted name may hold
/// line ends.
///
/// # Errors
/// A line that makes no sense, with its number.
pub fn read(text: &str, filter: &mut Filter) -> Result<()> {
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let wrong = |what: String| Error::usage(format!("line {} of the filter: {what}", number + 1));
        let mut rest = line.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        let include = match word(&mut rest) {
            "include" => true,
            "exclude" => false,
            other => return Err(wrong(format!("expected include or exclude, found {other:?}"))),
        };
        let kind = word(&mut rest);
        let mut pattern = rest.to_string();
        let text = loop {
            match pattern_end(&pattern) {
                Some(end) => {
                    let after = pattern[end..].trim_start();
                    if !after.is_empty() && !after.starts_with('#') {
                        return Err(wrong(format!("unexpected text after the pattern: {after:?}")));
                    }
                    break pattern[..end].trim_end();
                }
                None => match lines.next() {
                    Some((_, more)) => pattern = format!("{pattern}\n{more}"),
                    None => return Err(wrong("a double quote is not closed".into())),
                },
            }
        };
        if text.is_empty() {
            return Err(wrong("the pattern is missing".into()));
        }
        let pattern: Pattern = text.parse().map_err(|e: Error| wrong(e.message().to_string()))?;
        let table = |children| TablePattern {
            pattern: pattern.clone(),
            children,
        };
        match (include, kind) {
            (true, "table") => filter.tables.push(table(false)),
            (true, "table_and_children") => filter.tables.push(table(true)),
            (true, "schema") => filter.schemas.push(pattern),
            (true, "extension") => filter.extensions.push(pattern),
            (true, "foreign_data") => filter.foreign_servers.push(pattern),
            (false, "table") => filter.exclude_tables.push(table(false)),
            (false, "table_and_children") => filter.exclude_tables.push(table(true)),
            (false, "table_data") => filter.exclude_data.push(table(false)),
            (false, "table_data_and_children") => filter.exclude_data.push(table(true)),
            (false, "schema") => filter.exclude_schemas.push(pattern),
            (false, "extension") => filter.exclude_extensions.push(pattern),
            (_, "table_data" | "table_data_and_children" | "foreign_data") => {
                let verb = if include { "include" } else { "exclude" };
                return Err(wrong(format!("{verb} is not possible for {kind}")));
            }
            (_, other) => {
                return Err(wrong(format!(
                    "unknown kind of object {other:?}, expected table, table_and_children, table_data, \
                     table_data_and_children, schema, extension or foreign_data"
                )));
            }
        }
    }
    Ok(())
}

/// Takes the first word off.
fn word<'t>(rest: &mut &'t str) -> &'t str {
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after.trim_start();
    word
}

/// Where a pattern ends: at white space or a comment outside of quotes, but dots and commas may have spaces around them.
/// `None`: inside a quoted name.
fn pattern_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return Some(at),
            _ => {}
        }
        if !quoted && c.is_whitespace() {
            let after = text[at..].trim_start();
            let before = text[..at].trim_end();
            let joined = |c: Option<char>| matches!(c, Some('.' | ',' | '(' | ')'));
            if after.starts_with('#') || !joined(after.chars().next()) && !joined(before.chars().next_back())
            {
                return Some(at);
            }
        }
    }
    (!quoted).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_file_is_read_as_pg_dump_reads_it() {
        let text = "# what to take\n\ninclude table \"Odd\nname\" # a name with a line end\n  exclude table_data public . log_*\n\
                    include schema s#x\nexclude extension postgis\ninclude foreign_data srv\nexclude table_and_children p\n";
        let mut filter = Filter::default();
        read(text, &mut filter).unwrap();
        let texts = |patterns: &[Pattern]| patterns.iter().map(|p| p.text().to_string()).collect::<Vec<_>>();
        assert_eq!(filter.tables[0].pattern.text(), "\"Odd\nname\"");
        assert_eq!(filter.exclude_data[0].pattern.text(), "public . log_*");
        assert_eq!(texts(&filter.schemas), ["s"]);
        assert_eq!(texts(&filter.exclude_extensions), ["postgis"]);
        assert_eq!(texts(&filter.foreign_servers), ["srv"]);
        assert!(filter.exclude_tables[0].children);
    }

    #[test]
    fn a_line_without_sense_is_told_with_its_number() {
        for (text, want) in [
            (
                "\ntable x",
                "line 2 of the filter: expected include or exclude, found \"table\"",
            ),
            ("include view x", "unknown kind of object \"view\""),
            ("include table", "the pattern is missing"),
            ("include table a b", "unexpected text after the pattern: \"b\""),
            ("include table_data a", "include is not possible for table_data"),
            (
                "exclude foreign_data a",
                "exclude is not possible for foreign_data",
            ),
            ("include table \"a", "not closed"),
        ] {
            let error = read(text, &mut Filter::default()).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
