//! Names that psql takes for the beginning of a function's body.
//!
//! While psql 14 and newer reads CREATE FUNCTION or CREATE PROCEDURE, the word `begin` outside of parentheses opens a
//! body whose semicolons end nothing. To the server it is a name like any other, which needs no quotes and gets none
//! from it. pg_dump leaves it so, and the rest of its script is lost in that statement.

/// The text with every bare `begin` outside of parentheses in double quotes. The server writes its key words in
/// capitals: `BEGIN ATOMIC` stays.
pub fn quote_begin(text: String) -> String {
    if !text.contains("begin") {
        return text;
    }
    let bytes = text.as_bytes();
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
    let mut out = String::with_capacity(text.len() + 2);
    let (mut depth, mut at) = (0i32, 0);
    while at < bytes.len() {
        let end = match bytes[at] {
            quote @ (b'\'' | b'"') => {
                let escapes = quote == b'\'' && out.ends_with('E');
                quoted_end(bytes, at, escapes)
            }
            b if is_word(&b) => at + bytes[at..].iter().take_while(|b| is_word(b)).count(),
            b => {
                depth += i32::from(b == b'(') - i32::from(b == b')');
                at + 1
            }
        };
        let token = &text[at..end];
        if token == "begin" && depth == 0 {
            out.push_str("\"begin\"");
        } else {
            out.push_str(token);
        }
        at = end;
    }
    out
}

/// Where the string or name ends that begins with the quote at `start`. A doubled quote ends one and begins the next,
/// which comes to the same.
fn quoted_end(bytes: &[u8], start: usize, escapes: bool) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b if b == bytes[start] => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_opens_a_body_is_quoted() {
        for (text, want) in [
            ("s.begin(begin int)", "s.\"begin\"(begin int)"),
            ("begin.f() RETURNS begin", "\"begin\".f() RETURNS \"begin\""),
            (
                "f() BEGIN ATOMIC\n SELECT t.begin;\nEND",
                "f() BEGIN ATOMIC\n SELECT t.\"begin\";\nEND",
            ),
            (
                "'begin' E'\\' begin' \"begin\" \"a\"\" begin\"",
                "'begin' E'\\' begin' \"begin\" \"a\"\" begin\"",
            ),
            ("begins beginä _begin", "begins beginä _begin"),
            ("'it''s begin' begin", "'it''s begin' \"begin\""),
            ("' begin", "' begin"),
        ] {
            assert_eq!(quote_begin(text.to_string()), want, "{text}");
        }
    }
}
