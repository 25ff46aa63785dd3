//! Configuration settings as `proconfig` and `setconfig` keep them: `name=value`.

use crate::sql::{ident, script_literal};

/// Settings whose value is a list of names, each quoted as the server keeps it (`GUC_LIST_QUOTE`).
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// `name TO 'value'`, as `SET` takes it, from `name=value`. The elements of a list are quoted one by one: one literal
/// around them all would make one name of them.
pub fn assignment(setting: &str) -> String {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let quoted_value = if LISTS.contains(&name.to_ascii_lowercase().as_str()) {
        let elements: Vec<String> = split_list(value)
            .iter()
            .map(|element| script_literal(element))
            .collect();
        if elements.is_empty() {
            "''".to_string()
        } else {
            elements.join(", ")
        }
    } else {
        script_literal(value)
    };
    // The name of an extension's setting, which has a dot, is one identifier, too.
    format!("{} TO {quoted_value}", ident(name))
}

/// The elements of a list: separated by commas, double-quoted where needed.
fn split_list(list: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut chars = list.trim().chars().peekable();
    while chars.peek().is_some() {
        let mut element = String::new();
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                if c == '"' && chars.next_if_eq(&'"').is_none() {
                    break;
                }
                element.push(c);
            }
            while chars.next_if(|&c| c != ',').is_some() {}
        } else {
            while let Some(c) = chars.next_if(|&c| c != ',') {
                element.push(c);
            }
            element.truncate(element.trim_end().len());
        }
        chars.next();
        elements.push(element);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::assignment;

    #[test]
    fn each_schema_of_a_search_path_stays_a_schema_of_its_own() {
        for (setting, want) in [
            ("work_mem=1MB", "work_mem TO '1MB'"),
            ("search_path=a, \"B c\"", "search_path TO 'a', 'B c'"),
            ("search_path=\"\"", "search_path TO ''"),
            ("search_path=", "search_path TO ''"),
            ("search_path=\"a,b\", \"q\"\"q\"", "search_path TO 'a,b', 'q\"q'"),
            ("my.Setting=it's", "\"my.Setting\" TO 'it''s'"),
            ("DateStyle=ISO, MDY", "\"DateStyle\" TO 'ISO, MDY'"),
        ] {
            assert_eq!(assignment(setting), want, "{setting}");
        }
    }
}
