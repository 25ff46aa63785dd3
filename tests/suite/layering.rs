//! The arrows between modules point downwards only (DESIGN.md, "The way of the data").

use std::path::Path;

/// The modules from top to bottom. Modules of one layer know nothing of each other.
const LAYERS: &[&[&str]] = &[
    &["cli", "api"],
    &["schedule", "doctor"],
    &["backup", "restore", "webhook"],
    &["store", "dump", "plan", "script", "archive"],
    &["catalog"],
    &["connect"],
    &["age", "http"],
    &["error", "event", "finding", "human", "sql"],
    &["deflate", "escape", "secret"],
];

/// Arrows between modules of one layer that the design means.
const ALLOWED: &[(&str, &str)] = &[
    // What is streamed is the plan's steps, and where it goes is the archive's writer.
    ("dump", "plan"),
    ("dump", "archive"),
    // What is written is checked with the reader's own lexer.
    ("plan", "script"),
    // The store reads indexes to list and to verify.
    ("store", "archive"),
    // An error carries what the server said; an event may carry it too.
    ("event", "error"),
    ("finding", "error"),
    ("sql", "error"),
];

/// Arrows that would be downward, yet must not be: these modules are pure.
const FORBIDDEN: &[(&str, &str)] = &[
    ("script", "connect"),
    ("script", "catalog"),
    ("archive", "connect"),
    ("archive", "catalog"),
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("module {module} has no layer: give it one in tests/suite/layering.rs"))
}

/// Whether a module may use another.
fn may_use(from: &str, to: &str) -> bool {
    from == to
        || ALLOWED.contains(&(from, to))
        || (layer(from) < layer(to) && !FORBIDDEN.contains(&(from, to)))
}

/// The modules that a line of code names by `crate::module`, in `use` lists too.
fn used_modules(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => top_level(list),
            None => vec![rest],
        };
        for item in list {
            let item = item.trim_start();
            let end = item
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(item.len());
            if end > 0 {
                found.push(&item[..end]);
            }
        }
    }
    found
}

/// The items of a `use` list, without what is nested in them.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[start..at]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items
}

/// Joins `use` lists that rustfmt spread over lines, keeping line numbers.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match lines.last_mut() {
            Some((_, last)) if open => last.push_str(line.trim()),
            _ => lines.push((number + 1, line.to_string())),
        }
        let last = &lines.last().expect("one was pushed").1;
        open = last.trim_start().starts_with("use crate::{") && !last.contains(';');
        open |= last.trim_start().starts_with("pub use crate::{") && !last.contains(';');
    }
    lines
}

fn rust_files(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn no_module_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    let mut wrong = Vec::new();
    for path in files {
        let inside = path.strip_prefix(&src).expect("it is below src");
        let from = inside
            .components()
            .next()
            .expect("a path has parts")
            .as_os_str()
            .to_string_lossy();
        let from = from.trim_end_matches(".rs");
        if from == "main" || from == "lib" {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source is text");
        for (number, line) in logical_lines(&text) {
            for to in used_modules(&line) {
                // `crate::Error` and `crate::Result` are re-exports of the error module.
                if to.starts_with(char::is_lowercase) && !may_use(from, to) {
                    wrong.push(format!(
                        "src/{}:{number}: {from} uses {to}: {}",
                        inside.display(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{}", wrong.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    assert!(!may_use("catalog", "cli"));
    assert!(!may_use("script", "connect"));
    assert!(!may_use("script", "archive"));
    assert!(may_use("dump", "archive"));
    assert!(may_use("backup", "dump"));
    assert_eq!(used_modules("use crate::connect::Session;"), ["connect"]);
    assert_eq!(
        used_modules("use crate::{Error, sql::{ident, literal}, plan};"),
        ["Error", "sql", "plan"]
    );
    assert_eq!(used_modules("// crate::cli is above"), [""; 0]);
    let spread = "use crate::{\n    Error,\n    cli::x,\n};\nfn f() {}";
    assert_eq!(used_modules(&logical_lines(spread)[0].1), ["Error", "cli"]);
}
