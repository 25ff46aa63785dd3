//! `PGSTOW_DUMP_OPTIONS`: options of the selection, which stand in the environment of those who cannot change a command
//! line, put between the verb and what was typed.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use super::select::SelectArgs;
use crate::{Error, Result};

/// The variable.
pub const VARIABLE: &str = "PGSTOW_DUMP_OPTIONS";

/// The verbs that dump.
const VERBS: [&str; 3] = ["backup", "dump", "schedule"];

/// Nothing but options of the selection.
#[derive(Debug, Parser)]
#[command(name = VARIABLE, no_binary_name = true, disable_help_flag = true)]
struct Alone {
    #[command(flatten)]
    _select: SelectArgs,
}

/// Puts the variable's words behind the verb, where the verb dumps.
///
/// # Errors
/// Words that are no options of the selection.
pub fn insert(mut args: Vec<OsString>, options: &str) -> Result<Vec<OsString>> {
    // The first of all verbs: `restore -d backup` names a database so.
    let all = super::Cli::command();
    let is_verb = |arg: &OsString| all.get_subcommands().any(|verb| arg == verb.get_name());
    let verb = args.iter().skip(1).position(is_verb).map(|position| position + 1);
    let Some(verb) = verb.filter(|&verb| VERBS.iter().any(|dumps| args[verb] == *dumps)) else {
        return Ok(args);
    };
    let words = words(options)?;
    if let Err(e) = Alone::try_parse_from(&words) {
        let text = e.to_string();
        let first = text.lines().next().unwrap_or_default();
        return Err(Error::usage(format!(
            "{VARIABLE} ({options}): {}",
            first.trim_start_matches("error: ")
        ))
        .hint("it takes the options under \"Selection\" in pgstow dump --help"));
    }
    args.splice(verb + 1..verb + 1, words.into_iter().map(OsString::from));
    Ok(args)
}

/// Words as a shell parts them: by white space, apostrophes and double quotes keeping what is between them, a backslash
/// the next letter. Nothing is expanded.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    let open = || Error::usage(format!("{VARIABLE} ({text}): a quote is not closed"));
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(open)? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or_else(open)? {
                        '"' => break,
                        '\\' => word.push(chars.next().ok_or_else(open)?),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_a_shell_parts_them() {
        for (text, want) in [
            ("-n a  -T 'b c'", &["-n", "a", "-T", "b c"][..]),
            (r#"-t '"Odd Name"'"#, &["-t", "\"Odd Name\""]),
            (r#"-t "\"Odd\"" x\ y"#, &["-t", "\"Odd\"", "x y"]),
            ("--table=''", &["--table="]),
            ("", &[]),
        ] {
            assert_eq!(words(text).unwrap(), want, "{text}");
        }
        assert!(words("'open").is_err());
    }

    #[test]
    fn options_of_the_environment_stand_before_what_was_typed() {
        let args = |text: &str| -> Vec<OsString> { text.split_whitespace().map(Into::into).collect() };
        let put = |text: &str| insert(args(text), "-N logs");
        for other in ["pgstow restore -d backup FILE", "pgstow list", "pgstow"] {
            assert_eq!(put(other).unwrap(), args(other));
        }
        assert_eq!(
            put("pgstow backup -d x").unwrap(),
            args("pgstow backup -N logs -d x")
        );
        assert_eq!(put("pgstow list").unwrap(), args("pgstow list"));
        let error = insert(args("pgstow backup"), "--clean").unwrap_err().to_string();
        assert!(
            error.contains("PGSTOW_DUMP_OPTIONS (--clean): unexpected argument"),
            "{error}"
        );
    }
}
