//! psql's patterns ([`crate::catalog::pattern`]) matched here against the names that a script has, where there is no server
//! to match them. A script has no search path, so a name without a schema means one in any.
//!
//! Not promised: the last corners of PostgreSQL's regular expressions. What is not understood (backreferences, looking
//! ahead) is refused, not misread.

use std::str::FromStr;

use regex_lite::Regex;

use crate::catalog::pattern;
use crate::{Error, Result};

/// A pattern for schemas: `schema`, `database.schema`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: pattern::Pattern,
    name: Regex,
}

/// A pattern for tables: `table`, `schema.table`, `database.schema.table`. Without a schema: in any.
#[derive(Debug, Clone)]
pub struct TablePattern {
    text: pattern::Pattern,
    schema: Option<Regex>,
    table: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl PartialEq for TablePattern {
    fn eq(&self, other: &TablePattern) -> bool {
        self.text == other.text
    }
}

impl Eq for TablePattern {}

fn compile(text: &pattern::Pattern, regex: &str) -> Result<Regex> {
    // A name may contain line ends.
    Regex::new(&format!("(?s){regex}")).map_err(|e| {
        Error::usage(format!("the pattern {:?} is no regular expression: {e}", text.text())).hint(
            "* and ? stand for any letters, and letters that mean something to regular expressions are put between \
             double quotes where they belong to a name.",
        )
    })
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text: pattern::Pattern = text.parse()?;
        let (_, matcher) = text.schema()?;
        let name = compile(&text, &matcher.name)?;
        Ok(Pattern { text, name })
    }
}

impl FromStr for TablePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text: pattern::Pattern = text.parse()?;
        let (_, matcher) = text.relation()?;
        let schema = matcher.schema.map(|schema| compile(&text, &schema)).transpose()?;
        let table = compile(&text, &matcher.name)?;
        Ok(TablePattern { text, schema, table })
    }
}

impl TablePattern {
    /// Whether it means this table, given by its names without quotes.
    pub fn matches(&self, schema: &str, table: &str) -> bool {
        self.schema
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(schema))
            && self.table.is_match(table)
    }

    /// Fails where the pattern names another database than the one that was dumped.
    pub fn check_database(&self, dumped: &str) -> Result<()> {
        let (named, _) = self.text.relation()?;
        self.text.check_database(named, dumped)
    }
}

impl Pattern {
    /// Whether it means this name, given without quotes.
    pub fn matches(&self, name: &str) -> bool {
        self.name.is_match(name)
    }

    /// Fails where the pattern names another database than the one that was dumped.
    pub fn check_database(&self, dumped: &str) -> Result<()> {
        let (named, _) = self.text.schema()?;
        self.text.check_database(named, dumped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_psql() {
        for (pattern, schema, table, want) in [
            ("users", "public", "users", true),
            ("Users", "public", "users", true),
            ("\"Users\"", "public", "Users", true),
            ("\"Users\"", "public", "users", false),
            ("users", "public", "users2", false),
            ("public.users", "public", "users", true),
            ("public.users", "other", "users", false),
            ("app.public.users", "public", "users", true),
            ("log_*", "public", "log_2024", true),
            ("log_*", "public", "log_\n", true),
            ("*.log_?", "x", "log_1", true),
            ("log_?", "x", "log_12", false),
            ("*a*b", "x", "aab", true),
            ("*a*b", "x", "aba", false),
            ("größe*", "x", "größe", true),
            ("\"a.b\".\"c*\"", "a.b", "c*", true),
            ("\"a.b\".\"c*\"", "a.b", "cd", false),
            ("\"say \"\"hi\"\"\"", "x", "say \"hi\"", true),
            ("(a|b)*", "x", "a_long_name", true),
            ("(a|b)*", "x", "c", false),
            ("a|b", "x", "ab", false),
            ("log_[0-9]+", "x", "log_2024", true),
            ("log_[0-9]+", "x", "log_x", false),
            ("t\\d{2}", "x", "t12", true),
            ("a$b", "x", "a$b", true),
            ("\"a+b\"", "x", "a+b", true),
        ] {
            let pattern: TablePattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.matches(schema, table),
                want,
                "{pattern:?} {schema}.{table}"
            );
        }
    }

    #[test]
    fn a_pattern_without_sense_is_refused() {
        for wrong in ["", "\"a", "a.b.c.d", "(a", "a[", "(a)\\1"] {
            assert!(wrong.parse::<TablePattern>().is_err(), "{wrong}");
        }
        assert!("a.b.c".parse::<Pattern>().is_err());
        let pattern: TablePattern = "app.public.t".parse().unwrap();
        assert!(pattern.check_database("app").is_ok() && pattern.check_database("shop").is_err());
    }
}
