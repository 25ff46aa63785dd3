//! Quoting of identifiers and literals, as pg_dump does it.

/// Key words that PostgreSQL 18 does not take as a plain identifier everywhere: those of `pg_get_keywords()` whose
/// `catcode` is not `U`. Sorted by bytes. Older servers' lists are subsets but for words that lost their status.
const QUOTED_KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

tokio::task_local! {
    /// Whether the task at work quotes all identifiers. Hundreds of places write identifiers, and every one would have
    /// to hand this on.
    static QUOTE_ALL: bool;
}

/// Runs work in which every identifier is quoted, if that is asked for (`--quote-all-identifiers`).
pub async fn quoting<T>(all: bool, work: impl Future<Output = T>) -> T {
    QUOTE_ALL.scope(all, work).await
}

/// Whether an identifier can stand in SQL without quotes and keep its spelling.
fn is_plain(name: &str) -> bool {
    if QUOTE_ALL.try_with(|all| *all).unwrap_or(false) {
        return false;
    }
    let mut bytes = name.bytes();
    let first = matches!(bytes.next(), Some(b'a'..=b'z' | b'_'));
    first
        && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && QUOTED_KEYWORDS.binary_search(&name).is_err()
}

/// An identifier as it must be written in SQL: quoted only when it has to be.
///
/// ```
/// assert_eq!(pgstow::sql::ident("users"), "users");
/// assert_eq!(pgstow::sql::ident("user"), "\"user\"");
/// ```
pub fn ident(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    push_ident(&mut out, name);
    out
}

/// Appends an identifier, quoted when it has to be.
pub fn push_ident(out: &mut String, name: &str) {
    if is_plain(name) {
        out.push_str(name);
        return;
    }
    out.push('"');
    for c in name.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

/// `schema.name`, each quoted when it has to be.
pub fn qualified(schema: &str, name: &str) -> String {
    let mut out = String::with_capacity(schema.len() + name.len() + 5);
    push_ident(&mut out, schema);
    out.push('.');
    push_ident(&mut out, name);
    out
}

/// A comma-separated list of identifiers.
pub fn ident_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for name in names {
        if !out.is_empty() {
            out.push_str(", ");
        }
        push_ident(&mut out, name);
    }
    out
}

/// A string literal that reads the same with `standard_conforming_strings` on or off: `'it''s'`, and the `E''` form
/// when there is a backslash.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 3);
    if text.contains('\\') {
        out.push('E');
    }
    out.push('\'');
    for c in text.chars() {
        if c == '\'' || c == '\\' {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// A string literal as scripts have it that set `standard_conforming_strings` on, ours and pg_dump's: a backslash is a
/// backslash.
pub fn script_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A dollar-quoted string whose tag does not occur in the text. The tag grows as pg_dump's does (`$$`, `$_$`, `$_X$`),
/// so that equal bodies give equal text.
pub fn dollar_quoted(text: &str, prefix: &str) -> String {
    let mut tag = format!("${prefix}");
    for c in "_XXXXXXX".chars().cycle() {
        // The tag without its last `$` must not occur either: a body ending in it would join with the delimiter.
        if !text.contains(tag.as_str()) {
            break;
        }
        tag.push(c);
    }
    tag.push('$');
    format!("{tag}{text}{tag}")
}

/// A name made harmless for a line comment: control characters, above all line ends, become spaces (CVE-2025-8715).
pub fn comment_text(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_for_binary_search() {
        assert!(QUOTED_KEYWORDS.is_sorted());
    }

    #[test]
    fn identifiers_are_quoted_only_when_needed() {
        for (name, want) in [
            ("users", "users"),
            ("user", "\"user\""),
            ("Users", "\"Users\""),
            ("a b", "\"a b\""),
            ("1st", "\"1st\""),
            ("_x9", "_x9"),
            ("quo\"te", "\"quo\"\"te\""),
            ("größe", "\"größe\""),
            ("a$b", "\"a$b\""),
            ("", "\"\""),
        ] {
            assert_eq!(ident(name), want, "{name}");
        }
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'c"), "E'a\\\\b''c'");
        assert_eq!(script_literal("a\\b'c"), "'a\\b''c'");
    }

    #[test]
    fn a_dollar_quote_never_occurs_in_its_body() {
        assert_eq!(dollar_quoted("select 1", ""), "$$select 1$$");
        assert_eq!(dollar_quoted("a $$ b", ""), "$_$a $$ b$_$");
        assert_eq!(dollar_quoted("a $_$ b", ""), "$_X$a $_$ b$_X$");
        assert_eq!(dollar_quoted("ends in $", ""), "$_$ends in $$_$");
    }

    #[test]
    fn a_newline_in_a_name_cannot_leave_a_comment() {
        assert_eq!(comment_text("a\n; drop table x;\r"), "a ; drop table x; ");
    }
}
