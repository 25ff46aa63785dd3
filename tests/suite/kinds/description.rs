//! A database as pg_dump describes it: the entries of its script by name, so that two databases can be compared
//! without minding the order.

use std::collections::BTreeMap;

/// A script of pg_dump cut into its entries.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    entries: BTreeMap<String, String>,
}

impl Description {
    /// Cuts a script at the headers `-- Name: ...; Type: ...; Schema: ...; Owner: ...`.
    pub fn of(script: &str) -> Description {
        let mut description = Description {
            entries: BTreeMap::new(),
        };
        let mut state = State::default();
        let mut key = "the settings at its top".to_string();
        let mut lines: Vec<&str> = Vec::new();
        for line in script.lines() {
            let meta = line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
            // Whichever entry is last has this below it.
            let end = line == "-- PostgreSQL database dump complete";
            if meta || end || state.notes(line) {
                continue;
            }
            match header(line) {
                Some((name, owner)) => {
                    description.add(&key, &lines);
                    key = name.to_string();
                    lines = vec![owner];
                    lines.extend(state.of(name));
                }
                None => lines.push(line),
            }
        }
        description.add(&key, &lines);
        description
    }

    fn add(&mut self, key: &str, lines: &[&str]) {
        // Frames around headers, and the distance between entries.
        let framing = |line: &&str| line.is_empty() || **line == *"--";
        let begin = lines.iter().position(|l| !framing(l)).unwrap_or(lines.len());
        let end = lines
            .iter()
            .rposition(|l| !framing(l))
            .map_or(begin, |last| last + 1);
        let mut lines = lines[begin..end].to_vec();
        // The rows of a table have no order.
        if let (Some(begin), Some(end)) = (
            lines.iter().position(|l| l.starts_with("COPY ")),
            lines.iter().rposition(|l| *l == "\\."),
        ) && begin < end
        {
            lines[begin + 1..end].sort_unstable();
        }
        let mut unique = key.to_string();
        let mut number = 1;
        while self.entries.contains_key(&unique) {
            number += 1;
            unique = format!("{key} (no. {number})");
        }
        self.entries.insert(unique, lines.join("\n"));
    }

    /// Puts the rows of all tables whose names begin so together, for rows that may move between them.
    pub fn pool_rows(&mut self, prefix: &str) {
        let start = format!("Data for Name: {prefix}");
        let data: Vec<String> = self
            .entries
            .keys()
            .filter(|key| key.starts_with(&start))
            .cloned()
            .collect();
        let mut rows = Vec::new();
        for key in data {
            let entry = self.entries.remove(&key).expect("it is there");
            rows.extend(
                entry
                    .lines()
                    .filter(|l| !l.starts_with("COPY "))
                    .map(str::to_string),
            );
        }
        rows.sort_unstable();
        self.entries.insert(format!("{start}..."), rows.join("\n"));
    }

    /// What is not the same in another database, each as text with both entries; empty when nothing is.
    pub fn differences(&self, other: &Description, ours: &str, theirs: &str) -> Vec<String> {
        let keys: std::collections::BTreeSet<&String> =
            self.entries.keys().chain(other.entries.keys()).collect();
        keys.into_iter()
            .filter_map(|key| match (self.entries.get(key), other.entries.get(key)) {
                (Some(a), Some(b)) if a == b => None,
                (Some(a), Some(b)) => Some(format!(
                    "{key}\n  in {ours}:\n{}\n  in {theirs}:\n{}",
                    indented(a, b),
                    indented(b, a)
                )),
                (Some(a), None) => Some(format!(
                    "{key}\n  is missing in {theirs}; in {ours}:\n{}",
                    indented(a, "")
                )),
                (None, Some(b)) => Some(format!("{key}\n  is only in {theirs}:\n{}", indented(b, ""))),
                (None, None) => None,
            })
            .collect()
    }
}

/// The parts of a header line: everything up to the owner, and the owner.
fn header(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("-- ")?;
    (rest.starts_with("Name: ") || rest.starts_with("Data for Name: ")).then_some(())?;
    let at = rest.rfind("; Owner: ")?;
    Some((&rest[..at], &rest[at + 2..]))
}

/// The text, marked where a line is not in the other one; only its surroundings when it is long.
fn indented(text: &str, other: &str) -> String {
    const LONG: usize = 40;
    let others: std::collections::HashSet<&str> = other.lines().collect();
    let all: Vec<&str> = text.lines().collect();
    let differs = |line: &str| !other.is_empty() && !others.contains(line);
    let first = all.iter().position(|l| differs(l)).unwrap_or(0);
    let from = if all.len() > LONG {
        first.saturating_sub(5)
    } else {
        0
    };
    let mut out: Vec<String> = all
        .iter()
        .skip(from)
        .take(LONG)
        .map(|line| format!("  {} {}", if differs(line) { ">" } else { "|" }, line))
        .collect();
    if out.len() < all.len() {
        out.push(format!("  | ... ({} lines in all)", all.len()));
    }
    out.join("\n")
}

/// The session's defaults which pg_dump sets between entries. They belong to the entries that follow, whatever order
/// those come in.
#[derive(Default)]
struct State<'s> {
    tablespace: &'s str,
    access_method: &'s str,
}

impl<'s> State<'s> {
    fn notes(&mut self, line: &'s str) -> bool {
        if line.starts_with("SET default_tablespace = ") {
            self.tablespace = line;
        } else if line.starts_with("SET default_table_access_method = ") {
            self.access_method = line;
        } else {
            return false;
        }
        true
    }

    fn of(&self, header: &str) -> Vec<&'s str> {
        let kind = header
            .split("; Type: ")
            .last()
            .and_then(|rest| rest.split(';').next());
        match kind {
            Some("TABLE" | "MATERIALIZED VIEW") => vec![self.tablespace, self.access_method],
            Some("INDEX" | "CONSTRAINT") => vec![self.tablespace],
            _ => Vec::new(),
        }
    }
}
