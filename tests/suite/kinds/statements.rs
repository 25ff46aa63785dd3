//! Cutting a script into statements, for comparing texts. Written apart from pgstow's own reader of scripts, so that
//! a mistake there cannot hide itself here.

/// The statements of a script, without comments and meta-commands, and without the rows of COPY.
pub fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return found;
        }
        if rest.starts_with("--") || rest.starts_with('\\') {
            rest = after_line(rest);
            continue;
        }
        let end = end_of_statement(rest);
        let statement = rest[..end].trim_end().to_string();
        rest = &rest[end..];
        if statement.starts_with("COPY ") && statement.ends_with("FROM stdin;") {
            rest = after_line(rest);
            while !rest.is_empty() && !rest.starts_with("\\.\n") {
                rest = after_line(rest);
            }
        }
        found.push(statement);
    }
}

fn after_line(text: &str) -> &str {
    text.find('\n').map_or("", |at| &text[at + 1..])
}

/// Where the statement at the beginning of a text ends, its semicolon included.
fn end_of_statement(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut parens, mut blocks) = (0, 0, 0);
    while at < bytes.len() {
        let rest = &text[at..];
        match bytes[at] {
            b'\'' => {
                let escapes = at > 0 && matches!(bytes[at - 1], b'E' | b'e');
                at += quoted(rest, b'\'', escapes);
                continue;
            }
            b'"' => {
                at += quoted(rest, b'"', false);
                continue;
            }
            b'-' if rest.starts_with("--") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with("/*") => {
                at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            b'$' => {
                if let Some(length) = dollar_quoted(rest) {
                    at += length;
                    continue;
                }
            }
            b'(' => parens += 1,
            b')' => parens -= 1,
            b';' if parens == 0 && blocks == 0 => return at + 1,
            c if c.is_ascii_alphabetic() => {
                let length = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let word = &rest[..length];
                let is = |other: &str| word.eq_ignore_ascii_case(other);
                // Within an SQL-standard body only CASE opens what END closes.
                let opens = is("begin") && rest[length..].trim_start().starts_with("ATOMIC");
                if opens || blocks > 0 && is("case") {
                    blocks += 1;
                } else if blocks > 0 && is("end") {
                    blocks -= 1;
                }
                at += length;
                continue;
            }
            _ => {}
        }
        at += 1;
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    text.len()
}

/// The length of a quoted thing, its quotes included. A doubled quote reads as two quoted things side by side.
fn quoted(text: &str, quote: u8, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b if b == quote && escapes && bytes.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of a dollar-quoted string, if one begins here.
fn dollar_quoted(text: &str) -> Option<usize> {
    let end = text[1..].find('$')? + 2;
    let tag = &text[..end];
    let name = &tag[1..tag.len() - 1];
    let is_tag = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| text[end..].find(tag).map_or(text.len(), |at| end + at + end))
}

#[test]
fn statements_are_cut_where_psql_cuts_them() {
    let script = "-- x\nSELECT 'a;''b', \"c;\", E'\\';', $$;$$, $_$ ; $$ $_$; -- y\n\
                  COPY t (a) FROM stdin;\n1;\n\\.\n\n\
                  CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);\n\\connect x\n\
                  CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n\
                  SELECT $1;";
    let starts: Vec<String> = statements(script)
        .iter()
        .map(|s| s.chars().take(11).collect())
        .collect();
    assert_eq!(
        starts,
        [
            "SELECT 'a;'",
            "COPY t (a) ",
            "CREATE RULE",
            "CREATE FUNC",
            "SELECT $1;"
        ]
    );
}
