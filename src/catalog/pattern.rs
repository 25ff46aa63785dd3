//! Patterns for names, as psql's `\d` and pg_dump's options take them, turned into the server's regular expressions.
//!
//! `*` and `?` stand for any letters and any letter, a dot parts schema and name, letters fold to lower case, and what
//! stands between double quotes is meant as it is. Everything else is a regular expression already. Matching is the
//! server's business ([`names`](super::names)).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A pattern, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Pattern {
    text: String,
    /// What stands between the dots, the last being the name's own.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Part {
    /// The regular expression's inside, for `^(...)$`.
    regex: String,
    /// The letters without quotes, for the name of a database, which is no pattern.
    literal: String,
}

impl Part {
    fn regex(&self) -> String {
        format!("^({})$", self.regex)
    }
}

/// A pattern for things in schemas or for schemas themselves, as regular expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// The schema's; `None`: whatever the search path finds.
    pub schema: Option<String>,
    /// The name's.
    pub name: String,
}

impl Pattern {
    /// As the user wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For relations: `name`, `schema.name`, `database.schema.name`.
    ///
    /// # Errors
    /// More dots, or another database than the one that is dumped.
    pub fn in_schema(&self, database: &str) -> Result<Matcher> {
        let (named, matcher) = self.relation()?;
        self.check_database(named, database)?;
        Ok(matcher)
    }

    /// For schemas: `schema`, `database.schema`.
    ///
    /// # Errors
    /// More dots, or another database than the one that is dumped.
    pub fn of_schema(&self, database: &str) -> Result<Matcher> {
        let (named, matcher) = self.schema()?;
        self.check_database(named, database)?;
        Ok(matcher)
    }

    /// For relations, with the database that is named.
    ///
    /// # Errors
    /// More than two dots.
    pub fn relation(&self) -> Result<(Option<&str>, Matcher)> {
        let (database, schema, name) = match &self.parts[..] {
            [name] => (None, None, name),
            [schema, name] => (None, Some(schema), name),
            [database, schema, name] => (Some(database.literal.as_str()), Some(schema), name),
            _ => return Err(self.too_many_dots()),
        };
        let (schema, name) = (schema.map(Part::regex), name.regex());
        Ok((database, Matcher { schema, name }))
    }

    /// For schemas, with the database that is named.
    ///
    /// # Errors
    /// More than one dot.
    pub fn schema(&self) -> Result<(Option<&str>, Matcher)> {
        let (database, name) = match &self.parts[..] {
            [name] => (None, name),
            [database, name] => (Some(database.literal.as_str()), name),
            _ => return Err(self.too_many_dots()),
        };
        let (schema, name) = (None, name.regex());
        Ok((database, Matcher { schema, name }))
    }

    /// For what lives outside of schemas: extensions, foreign servers.
    ///
    /// # Errors
    /// A dot outside of quotes.
    pub fn bare(&self) -> Result<Matcher> {
        match &self.parts[..] {
            [name] => Ok(Matcher {
                schema: None,
                name: name.regex(),
            }),
            _ => Err(self.too_many_dots()),
        }
    }

    /// Whether a pattern that names a database names this one.
    ///
    /// # Errors
    /// It names another one.
    pub fn check_database(&self, named: Option<&str>, database: &str) -> Result<()> {
        match named {
            Some(named) if named != database => Err(Error::usage(format!(
                "the pattern {:?} is about database {named:?}, expected {database:?}",
                self.text
            ))),
            _ => Ok(()),
        }
    }

    fn too_many_dots(&self) -> Error {
        Error::usage(format!("the pattern {:?} has too many dots", self.text))
            .hint("a dot that belongs to a name stands between double quotes")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.text
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Pattern> {
        text.parse()
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Pattern> {
        let mut parts = vec![Part::default()];
        let mut chars = text.chars().peekable();
        let mut quoted = false;
        while let Some(c) = chars.next() {
            let last = parts.len() - 1;
            let part = &mut parts[last];
            match c {
                '"' if quoted && chars.next_if_eq(&'"').is_some() => part.push_literal('"'),
                '"' => quoted = !quoted,
                '.' if !quoted => parts.push(Part::default()),
                '*' if !quoted => part.push_regex(".*", c),
                '?' if !quoted => part.push_regex(".", c),
                // A dollar may stand in a name, and an anchor makes no sense here.
                '$' => part.push_regex("\\$", c),
                // The two characters of an array type's name are no empty bracket expression.
                '[' if !quoted && chars.peek() == Some(&']') => part.push_regex("\\[", c),
                _ if quoted => part.push_literal(c),
                _ => {
                    // Letters beyond ASCII stay as they are, as in psql.
                    part.regex.push(c.to_ascii_lowercase());
                    part.literal.push(c.to_ascii_lowercase());
                }
            }
        }
        if quoted {
            return Err(Error::usage(format!(
                "the pattern {text:?} has a double quote that is not closed"
            )));
        }
        if text.is_empty() {
            return Err(Error::usage(
                "a pattern is empty: expected a name, * and ? standing for any letters",
            ));
        }
        Ok(Pattern {
            text: text.to_string(),
            parts,
        })
    }
}

impl Part {
    fn push_regex(&mut self, regex: &str, c: char) {
        self.regex.push_str(regex);
        self.literal.push(c);
    }

    fn push_literal(&mut self, c: char) {
        if "|*+?()[]{}.^$\\".contains(c) {
            self.regex.push('\\');
        }
        self.regex.push(c);
        self.literal.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, schema: Option<&str>, name: &str) {
        let found = text.parse::<Pattern>().unwrap().in_schema("db").unwrap();
        assert_eq!(
            (found.schema.as_deref(), found.name.as_str()),
            (schema, name),
            "{text}"
        );
    }

    #[test]
    fn a_pattern_means_what_psql_means_by_it() {
        check("users", None, "^(users)$");
        check("Users", None, "^(users)$");
        check("ÄRA", None, "^(Ära)$");
        check("\"Users\"", None, "^(Users)$");
        check("log_*", None, "^(log_.*)$");
        check("log_??", None, "^(log_..)$");
        check("*.log", Some("^(.*)$"), "^(log)$");
        check("\"a.b\".c", Some("^(a\\.b)$"), "^(c)$");
        check("a|b", None, "^(a|b)$");
        check("[ab]c", None, "^([ab]c)$");
        check("int4[]", None, "^(int4\\[])$");
        check("a$b", None, "^(a\\$b)$");
        check("\"a*\"\"b\"", None, "^(a\\*\"b)$");
        check("FOO\"BAR\"baz", None, "^(fooBARbaz)$");
        check("db.s.t", Some("^(s)$"), "^(t)$");
    }

    #[test]
    fn a_pattern_about_another_database_or_without_sense_is_told() {
        let error = |text: &str| {
            text.parse::<Pattern>()
                .and_then(|p| p.in_schema("db"))
                .unwrap_err()
                .to_string()
        };
        assert!(error("other.s.t").contains("is about database \"other\""));
        assert!(error("a.b.c.d").contains("too many dots"));
        assert!(error("\"open").contains("not closed"));
        assert!(error("").contains("empty"));
        assert!("a.b".parse::<Pattern>().unwrap().bare().is_err());
        assert!("db.s".parse::<Pattern>().unwrap().of_schema("db").is_ok());
    }
}
