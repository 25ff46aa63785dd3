//! Documents and dependencies against what is there: links lead somewhere, every dependency is used and explained, licences
//! are allowed, completions and manual pages are what shells and man(1) read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, run, run_with_input};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names in a section of Cargo.toml.
fn dependencies(section: &str) -> Vec<String> {
    let manifest = read("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.to_string()))
        .collect()
}

fn sources(dirs: &[&str]) -> String {
    fn add(path: &Path, text: &mut String) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                add(&entry.unwrap().path(), text);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let mut text = String::new();
    dirs.iter().for_each(|dir| add(&root().join(dir), &mut text));
    text
}

#[test]
fn every_dependency_is_used_and_explained() {
    let page = read("docs/developers.md");
    let (ours, of_tests) = (sources(&["src"]), sources(&["src", "tests", "benches"]));
    for (section, text) in [("[dependencies]", &ours), ("[dev-dependencies]", &of_tests)] {
        let names = dependencies(section);
        assert!(names.len() > 2, "{section} was not found");
        for name in names {
            assert!(
                page.contains(&format!("`{name}`")),
                "{name} has no line in docs/developers.md"
            );
            let module = name.replace('-', "_");
            let used = [format!("{module}::"), format!("use {module};")];
            assert!(used.iter().any(|path| text.contains(path)), "{name} is not used");
        }
    }
    let table = page
        .split("| crate |")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let first_cells = table.lines().filter_map(|line| line.split('|').nth(1));
    for word in first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let known = dependencies("[dependencies]").contains(&word.to_string())
            || dependencies("[dev-dependencies]").contains(&word.to_string());
        assert!(known, "{word} is explained, but is no dependency");
    }
}

#[test]
fn licences_are_those_we_allow() {
    let deny = read("deny.toml");
    let allowed = deny.split("allow = [").nth(1).unwrap().split(']').next().unwrap();
    let allowed: BTreeSet<&str> = allowed.split('"').skip(1).step_by(2).collect();
    let platform = support::run(Command::new("rustc").arg("-vV")).ok().stdout;
    let platform = platform
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata = run(Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", platform]))
    .ok();
    let metadata: serde_json::Value = serde_json::from_str(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        // Every part between ANDs must have an alternative that is allowed.
        let is_allowed = licence.split(" AND ").all(|part| {
            let part = part
                .trim_matches(['(', ')'])
                .replace(" / ", " OR ")
                .replace('/', " OR ");
            part.split(" OR ")
                .any(|alternative| allowed.contains(alternative))
        });
        assert!(is_allowed, "{} has the licence {licence:?}", package["name"]);
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    documents.retain(|path| path.extension().is_some_and(|e| e == "md"));
    documents.extend(["README.md", "FORMAT.md"].map(|name| root().join(name)));
    assert!(documents.len() > 4);
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{} links to {link}", document.display());
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let anchors = text.lines().filter(|line| line.starts_with('#')).map(|line| {
                    let heading = line
                        .trim_start_matches('#')
                        .trim()
                        .to_lowercase()
                        .replace(' ', "-");
                    heading.replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
                });
                assert!(
                    anchors.into_iter().any(|a| a == anchor),
                    "{} links to {link}",
                    document.display()
                );
            }
        }
    }
}

#[test]
fn shells_understand_their_completions() {
    let completions = |shell: &str| run(support::pgstow().args(["completions", shell])).ok().stdout;
    let bash = completions("bash");
    assert!(
        bash.contains("--exclude-table-data") && bash.contains("backup"),
        "{bash}"
    );
    run_with_input(Command::new("bash").arg("-n"), bash.as_bytes()).ok();
    assert!(completions("zsh").starts_with("#compdef pgstow"));
    assert!(completions("fish").contains("complete -c pgstow"));
    assert_eq!(run(support::pgstow().args(["completions", "tcsh"])).code, 2);
}

#[test]
fn every_verb_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    run(support::pgstow().arg("man").arg("--dir").arg(dir.path())).ok();
    let help = run(support::pgstow().arg("--help")).ok().stdout;
    let verbs = help.lines().skip_while(|line| *line != "Verbs:").skip(1);
    let verbs = verbs
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "));
    let verbs: Vec<&str> = verbs.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(verbs.contains(&"backup") && verbs.len() > 9, "{verbs:?}");
    for verb in verbs {
        let page = std::fs::read_to_string(dir.path().join(format!("pgstow-{verb}.1"))).unwrap();
        assert!(
            page.contains(".TH") && page.contains("Examples:"),
            "{verb}: {page}"
        );
    }
    let page = run(support::pgstow().args(["man", "dump"])).ok().stdout;
    assert!(page.contains("schema") && page.contains("PGDATABASE"), "{page}");
    assert_eq!(run(support::pgstow().args(["man", "nothing"])).code, 2);
}

#[test]
fn a_terminal_shows_colours_and_nothing_else_does_nor_where_they_are_unwanted() {
    let dir = tempfile::tempdir().unwrap();
    let cleanup = |variables: &[(&str, &str)]| {
        let mut command = support::pgstow();
        command
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .env("BACKUP_DIR", dir.path().join("missing"))
            .args(["cleanup", "--dry-run"]);
        command
    };
    let shown = |variables: &[(&str, &str)]| support::Terminal::start(&cleanup(variables)).wait().stdout;
    let coloured = "\x1b[31m[ERROR]\x1b[0m directory";
    let text = shown(&[("TERM", "xterm")]);
    assert!(text.contains(coloured), "{text:?}");
    for plain in [
        [("TERM", "xterm"), ("NO_COLOR", "1")],
        [("TERM", "dumb"), ("LC_ALL", "C")],
    ] {
        let text = shown(&plain);
        assert!(
            text.contains("[ERROR] directory") && !text.contains("\x1b[3"),
            "{text:?}"
        );
    }
    let done = run(&mut cleanup(&[("TERM", "xterm")]));
    assert!(done.stderr.starts_with("[ERROR] directory"), "{done}");
}

#[test]
fn a_misspelt_verb_or_option_is_told_the_near_one() {
    for (words, near) in [
        (&["bakup"][..], "backup"),
        (&["dump", "--exclude-tabel"], "--exclude-table"),
        (&["restore", "--swop", "x"], "--swap"),
        (&["list", "--jsn"], "--json"),
        (&["helth"], "health"),
        (&["backup", "--keep-dayly", "3"], "--keep-daily"),
    ] {
        let done = run(support::pgstow().args(words));
        assert!(done.code == 2 && done.stderr.contains(near), "{words:?}: {done}");
    }
}

#[test]
fn wrong_things_are_told_with_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(&text, "hello\n").unwrap();
    let text = text.to_str().unwrap();
    // The command line, a variable, the exit code, and what is told.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);
    let cases: [Case; 12] = [
        (&["verify", here], &[], 1, "is a directory, expected a file"),
        (&["compare", here], &[], 1, "pgstow list --backup-dir"),
        (
            &["dump", "--file", here],
            &[],
            2,
            "is a directory, expected the name of a file",
        ),
        (
            &["list", "--backup-dir", text],
            &[],
            1,
            "is not a directory, expected one",
        ),
        (&["verify", text], &[], 4, "it is truncated or no dump"),
        (
            &["list", text],
            &[],
            4,
            "it was not written by pgstow, or it is truncated",
        ),
        (
            &["list", "nothing"],
            &[("BACKUP_DIR", here)],
            1,
            "`pgstow list` shows the backups",
        ),
        (
            &["cleanup"],
            &[("KEEP_DAILY", "x")],
            2,
            "the environment variable KEEP_DAILY has this value",
        ),
        (&["cleanup"], &[("TZ", "Berlin")], 2, "such as Europe/Berlin"),
        (
            &["schedule", "--backup-dir", here],
            &[("HTTP_ADDR", "here")],
            2,
            "expected an address such as",
        ),
        (
            &["restore", "--table", "(a", text],
            &[],
            2,
            "is no regular expression",
        ),
        (&["dump", "--json"], &[], 2, "--file"),
    ];
    for (words, variables, code, want) in cases {
        let mut command = support::pgstow();
        command.envs(variables.iter().copied()).args(words);
        // Nothing here needs a server, and there is none at port 1.
        let done = run(command.env("PGHOST", "127.0.0.1").env("PGPORT", "1"));
        assert!(
            done.code == code && done.stderr.contains(want),
            "{words:?} {variables:?}: {done}"
        );
    }
}

#[test]
fn help_tells_units_defaults_variables_and_exit_codes() {
    for verb in [
        "backup", "restore", "list", "cleanup", "dump", "verify", "schedule", "compare", "health",
    ] {
        let help = run(support::pgstow().args([verb, "--help"])).ok().stdout;
        assert!(help.contains("Examples:\n  "), "{verb}: {help}");
        assert!(
            help.contains("PGHOST") || help.contains("BACKUP_DIR"),
            "{verb}: {help}"
        );
        assert!(help.contains("Exit codes:\n    0  "), "{verb}: {help}");
    }
    let help = run(support::pgstow().arg("--help")).ok().stdout;
    assert!(
        help.contains("Exit codes:") && help.contains("4  the backup or file is damaged"),
        "{help}"
    );
}
