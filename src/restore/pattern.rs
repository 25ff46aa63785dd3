//! Patterns for names as psql and pg_dump have them: `*` for any letters, `?` for one, letters are folded to lower case
//! unless they stand in double quotes. psql's further regular expressions are refused, not misread.

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This letter.
    Letter(char),
    /// Any one letter.
    One,
    /// Any letters.
    Any,
}

/// A pattern for a name without a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
}

/// A pattern for tables: `table` or `schema.table`. Without a schema: in any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePattern {
    schema: Option<Pattern>,
    table: Pattern,
}

/// The parts of a pattern that are divided by dots outside of quotes.
fn parts(text: &str) -> Result<Vec<Pattern>, String> {
    let mut parts = vec![Vec::new()];
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let token = match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => Token::Letter('"'),
            '"' => {
                quoted = !quoted;
                continue;
            }
            _ if quoted => Token::Letter(letter),
            '.' => {
                parts.push(Vec::new());
                continue;
            }
            '*' => Token::Any,
            '?' => Token::One,
            '|' | '+' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '\\' => {
                return Err(format!(
                    "{letter:?} is not understood in a pattern: only * and ? are; put it in double quotes if it is part \
                     of the name"
                ));
            }
            _ => Token::Letter(letter.to_ascii_lowercase()),
        };
        parts.last_mut().expect("there is one from the start").push(token);
    }
    if quoted {
        return Err("a double quote is not closed".into());
    }
    match parts.iter().any(Vec::is_empty) {
        true => Err("a name is missing".into()),
        false => Ok(parts.into_iter().map(|tokens| Pattern { tokens }).collect()),
    }
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match <[Pattern; 1]>::try_from(parts(text)?) {
            Ok([pattern]) => Ok(pattern),
            Err(_) => Err("expected a name without a dot, where * and ? stand for any letters".into()),
        }
    }
}

impl std::str::FromStr for TablePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = parts(text)?.into_iter().rev();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(table), schema, None) => Ok(TablePattern { schema, table }),
            _ => Err("expected table or schema.table, where * and ? stand for any letters".into()),
        }
    }
}

impl TablePattern {
    /// Whether it means this table, given by its names without quotes.
    pub fn matches(&self, schema: &str, table: &str) -> bool {
        self.schema.as_ref().is_none_or(|pattern| pattern.matches(schema)) && self.table.matches(table)
    }
}

impl Pattern {
    /// Whether it means this name, given without quotes.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name): (&[Token], Vec<char>) = (&self.tokens, name.chars().collect());
        let (mut p, mut n) = (0, 0);
        // Where to go on if what follows the last star turns out not to match.
        let mut star = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(Token::Any) => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(&token) if token == Token::One || token == Token::Letter(name[n]) => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, matched)) => {
                        star = Some((at, matched + 1));
                        p = at + 1;
                        n = matched + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&token| token == Token::Any)
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
            ("log_*", "public", "log_2024", true),
            ("*.log_?", "x", "log_1", true),
            ("log_?", "x", "log_12", false),
            ("*a*b", "x", "aab", true),
            ("*a*b", "x", "aba", false),
            ("größe*", "x", "größe", true),
            ("\"a.b\".\"c*\"", "a.b", "c*", true),
            ("\"a.b\".\"c*\"", "a.b", "cd", false),
            ("\"say \"\"hi\"\"\"", "x", "say \"hi\"", true),
        ] {
            let pattern: TablePattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.matches(schema, table),
                want,
                "{pattern:?} {schema}.{table}"
            );
        }
        for wrong in ["", ".t", "s.", "a.b.c", "a|b", "a[0-9]", "\"a"] {
            assert!(wrong.parse::<TablePattern>().is_err(), "{wrong}");
        }
        assert!("a.b".parse::<Pattern>().is_err());
    }
}
