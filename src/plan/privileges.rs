//! Privileges as GRANT and REVOKE: the difference between what an object has and what it has from birth.

use crate::catalog::object::Privileges;
use crate::sql::ident;
use crate::{Error, Result};

/// One `aclitem`: `grantee=privileges/grantor`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// Empty: PUBLIC.
    grantee: String,
    plain: Vec<&'static str>,
    with_grant_option: Vec<&'static str>,
    grantor: String,
}

/// Letters of privileges and their words, in the order that pg_dump writes them.
const WORDS: &[(char, &str)] = &[
    ('r', "SELECT"),
    ('U', "USAGE"),
    ('a', "INSERT"),
    ('x', "REFERENCES"),
    ('d', "DELETE"),
    ('t', "TRIGGER"),
    ('D', "TRUNCATE"),
    ('m', "MAINTAIN"),
    ('w', "UPDATE"),
    ('X', "EXECUTE"),
    ('C', "CREATE"),
    ('c', "CONNECT"),
    ('T', "TEMPORARY"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// The statements that give an object its privileges; empty where it has those it starts with.
///
/// # Errors
/// An `aclitem` with a privilege that is not known.
pub fn statements(privileges: &Privileges, owner: Option<&str>) -> Result<String> {
    let mut text = String::new();
    let column = privileges.column.as_deref();
    // Grants by the owner come first: others' may rest on them.
    let (mut first, mut second) = (String::new(), String::new());
    for item in privileges
        .base
        .iter()
        .filter(|item| !privileges.acl.contains(item))
    {
        let item = parse(item, &privileges.on)?;
        let words: Vec<&str> = item
            .plain
            .iter()
            .chain(&item.with_grant_option)
            .copied()
            .collect();
        if !words.is_empty() {
            let what = list(&words, &privileges.on, column);
            text.push_str(&format!(
                "{}REVOKE {what} ON {} FROM {};\n",
                privileges.prefix,
                privileges.on,
                grantee(&item)
            ));
        }
    }
    for item in privileges
        .acl
        .iter()
        .filter(|item| !privileges.base.contains(item))
    {
        let item = parse(item, &privileges.on)?;
        let target = if owner == Some(item.grantor.as_str()) && owner == Some(item.grantee.as_str()) {
            &mut first
        } else {
            &mut second
        };
        let is_foreign = !item.grantor.is_empty() && owner.is_some_and(|owner| owner != item.grantor);
        if is_foreign {
            target.push_str(&format!("SET SESSION AUTHORIZATION {};\n", ident(&item.grantor)));
        }
        for (words, option) in [(&item.plain, ""), (&item.with_grant_option, " WITH GRANT OPTION")] {
            if !words.is_empty() {
                let what = list(words, &privileges.on, column);
                target.push_str(&format!(
                    "{}GRANT {what} ON {} TO {}{option};\n",
                    privileges.prefix,
                    privileges.on,
                    grantee(&item)
                ));
            }
        }
        if is_foreign {
            target.push_str("RESET SESSION AUTHORIZATION;\n");
        }
    }
    text.push_str(&first);
    text.push_str(&second);
    Ok(text)
}

fn grantee(item: &Item) -> String {
    if item.grantee.is_empty() {
        "PUBLIC".to_string()
    } else {
        ident(&item.grantee)
    }
}

/// `SELECT,INSERT`, `SELECT(col)`, or `ALL` where it is all that the kind of object has.
fn list(words: &[&str], on: &str, column: Option<&str>) -> String {
    let all = all_of(on, column.is_some());
    if words.len() == all.chars().count() {
        return match column {
            Some(column) => format!("ALL({column})"),
            None => "ALL".to_string(),
        };
    }
    match column {
        Some(column) => words
            .iter()
            .map(|word| format!("{word}({column})"))
            .collect::<Vec<_>>()
            .join(","),
        None => words.join(","),
    }
}

/// The letters of every privilege that an object of this kind can have. MAINTAIN (17+) counts for tables only where
/// it is granted: `ALL` on an older server means all that it knows.
fn all_of(on: &str, is_column: bool) -> &'static str {
    let starts = |kind: &str| on.starts_with(kind);
    if is_column {
        "raxw"
    } else if starts("TABLE ") || starts("TABLES") {
        "raxdtDwm"
    } else if starts("SEQUENCE") {
        "rwU"
    } else if starts("DATABASE ") {
        "CcT"
    } else if starts("SCHEMA") {
        "UC"
    } else if starts("LARGE OBJECT") {
        "rw"
    } else if starts("PARAMETER ") {
        "sA"
    } else if starts("TABLESPACE ") {
        "C"
    } else {
        // Functions, types, languages, foreign servers and wrappers have one.
        "X"
    }
}

fn parse(text: &str, on: &str) -> Result<Item> {
    let odd = || {
        Error::failed(format!(
            "{on} has the privilege {text:?}, which is not understood"
        ))
    };
    let (grantee, rest) = role(text).ok_or_else(odd)?;
    let rest = rest.strip_prefix('=').ok_or_else(odd)?;
    let (letters, rest) = rest.split_once('/').ok_or_else(odd)?;
    let (grantor, _) = role(rest).ok_or_else(odd)?;
    let mut item = Item {
        grantee,
        plain: Vec::new(),
        with_grant_option: Vec::new(),
        grantor,
    };
    let letters: Vec<char> = letters.chars().collect();
    if letters
        .iter()
        .any(|c| *c != '*' && !WORDS.iter().any(|(letter, _)| letter == c))
    {
        return Err(odd());
    }
    for (letter, word) in WORDS {
        if let Some(at) = letters.iter().position(|c| c == letter) {
            let list = if letters.get(at + 1) == Some(&'*') {
                &mut item.with_grant_option
            } else {
                &mut item.plain
            };
            list.push(word);
        }
    }
    Ok(item)
}

/// A role's name at the start of a text, double-quoted where needed, and what follows it.
fn role(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_string(), &text[end..]));
    }
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &text[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(on: &str, column: Option<&str>, acl: &[&str], base: &[&str]) -> String {
        let strings = |items: &[&str]| items.iter().map(|s| (*s).to_string()).collect();
        let privileges = Privileges {
            prefix: String::new(),
            on: on.to_string(),
            tag: String::new(),
            column: column.map(str::to_string),
            acl: strings(acl),
            base: strings(base),
        };
        statements(&privileges, Some("owner")).unwrap()
    }

    #[test]
    fn only_the_difference_is_said() {
        let base = &["owner=arwdDxt/owner"];
        assert_eq!(of("TABLE t", None, base, base), "");
        assert_eq!(
            of(
                "TABLE t",
                None,
                &["owner=arwdDxt/owner", "=r/owner", "bob=a*r/owner"],
                base
            ),
            "GRANT SELECT ON TABLE t TO PUBLIC;\nGRANT SELECT ON TABLE t TO bob;\n\
             GRANT INSERT ON TABLE t TO bob WITH GRANT OPTION;\n"
        );
        assert_eq!(
            of("TABLE t", None, &[], &["=X/owner"]),
            "REVOKE EXECUTE ON TABLE t FROM PUBLIC;\n"
        );
        assert_eq!(
            of("FUNCTION f()", None, &[], &["=X/owner"]),
            "REVOKE ALL ON FUNCTION f() FROM PUBLIC;\n"
        );
    }

    #[test]
    fn what_others_granted_is_granted_by_them() {
        assert_eq!(
            of("TABLE t", None, &["bob=r/\"od\"\"d =\""], &[]),
            "SET SESSION AUTHORIZATION \"od\"\"d =\";\nGRANT SELECT ON TABLE t TO bob;\nRESET SESSION AUTHORIZATION;\n"
        );
    }

    #[test]
    fn columns_are_named_with_each_privilege() {
        assert_eq!(
            of("TABLE t", Some("c"), &["bob=rw/owner"], &[]),
            "GRANT SELECT(c),UPDATE(c) ON TABLE t TO bob;\n"
        );
    }

    #[test]
    fn an_unknown_privilege_is_an_error_not_a_skip() {
        let privileges = Privileges {
            prefix: String::new(),
            on: "TABLE t".into(),
            tag: String::new(),
            column: None,
            acl: vec!["bob=rZ/owner".into()],
            base: vec![],
        };
        assert!(statements(&privileges, None).is_err());
    }
}
