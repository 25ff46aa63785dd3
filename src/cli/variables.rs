//! Every option's environment variable `NAME` also as `NAME_FILE`, the way of container secrets. (The connection's
//! variables, `PGPASSWORD` among them, are read in [`crate::connect`], by the same rule.)

use std::cell::RefCell;

use clap::Command;
use clap::error::{ContextKind, ContextValue};

use crate::connect::Environment;
use crate::secret::{MASK, masked_with_queries};
use crate::{Error, Result};

/// Makes the contents of `NAME_FILE` the default of each option that reads `NAME`.
pub fn with_files(command: Command, environment: &Environment) -> Result<Command> {
    let failure = RefCell::new(None);
    let command = each_option(command, &|arg| match from_file(&arg, environment) {
        Ok(Some(text)) => {
            let is_secret = arg.is_hide_env_values_set();
            arg.default_value(text).hide_default_value(is_secret)
        }
        Ok(None) => arg,
        Err(e) => {
            failure.borrow_mut().get_or_insert(e);
            arg
        }
    });
    match failure.into_inner() {
        Some(e) => Err(e),
        None => Ok(command),
    }
}

fn each_option(command: Command, change: &dyn Fn(clap::Arg) -> clap::Arg) -> Command {
    command
        .mut_args(change)
        .mut_subcommands(|subcommand| each_option(subcommand, change))
}

/// The text of `NAME_FILE`, when the option's `NAME` is not set itself.
fn from_file(arg: &clap::Arg, environment: &Environment) -> Result<Option<&'static str>, Error> {
    let Some(name) = arg.get_env().and_then(|name| name.to_str()) else {
        return Ok(None);
    };
    // clap keeps defaults for as long as the program runs, so this text is leaked once and no more.
    let text = environment.secret(name)?.map(|text| &*text.leak());
    Ok(text)
}

/// Adds to an error about an option's value which variable it came from, if nobody typed it, and takes secrets out of it.
pub fn explain(error: clap::Error, command: &Command, environment: &Environment) -> clap::Error {
    let mut command = command.clone();
    // Only then do options know how they are shown.
    command.build();
    without_secrets(with_variable(error, &command, environment), &command)
}

fn options(command: &Command) -> impl Iterator<Item = &clap::Arg> {
    let verbs = command.get_subcommands();
    verbs
        .flat_map(Command::get_arguments)
        .chain(command.get_arguments())
}

/// Takes out of an error what must not be shown: all of the value of an option whose variable's value is hidden, and
/// passwords and keys wherever they stand.
fn without_secrets(mut error: clap::Error, command: &Command) -> clap::Error {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let is_secret =
        options(command).any(|arg| arg.is_hide_env_values_set() && Some(arg.to_string()) == named);
    let shown = |kind, text: &String| match kind {
        ContextKind::InvalidValue if is_secret => MASK.to_string(),
        _ => masked_with_queries(text).into_owned(),
    };
    let masked: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(shown(kind, text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| shown(kind, text)).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in masked {
        error.insert(kind, value);
    }
    error
}

fn with_variable(mut error: clap::Error, command: &Command, environment: &Environment) -> clap::Error {
    let text = |kind| error.get(kind).map(ToString::to_string);
    let (option, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let (Some(option), Some(value)) = (option, value) else {
        return error;
    };
    let variable = options(command).find_map(|arg| {
        let name = arg.get_env()?.to_str()?;
        let is_it = arg.to_string() == option && environment.value(name).ok()? == Some(value.clone());
        is_it.then(|| name.to_string())
    });
    if let Some(variable) = variable {
        let tip = format!("the environment variable {variable} has this value").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn an_option_is_read_from_the_file_that_its_variable_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("format");
        std::fs::write(&path, "json\n").unwrap();
        let environment = Environment::new([("LOG_FORMAT_FILE", path.to_str().unwrap())]);
        let command = with_files(Cli::command(), &environment).unwrap();
        let cli = Cli::from_arg_matches(&command.get_matches_from(["pgstow", "list"])).unwrap();
        assert_eq!(cli.global.log_format, crate::cli::log::Format::Json);
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let environment = Environment::new([("KEEP_DAILY_FILE", "/nonexistent/keep")]);
        let error = with_files(Cli::command(), &environment).unwrap_err().to_string();
        assert!(
            error.contains("/nonexistent/keep, which KEEP_DAILY_FILE names"),
            "{error}"
        );
    }

    #[test]
    fn no_secret_is_shown_in_help_or_in_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        std::fs::write(&path, "hc-ping.com/s3cret").unwrap();
        let environment = Environment::new([("PING_URL_FILE", path.to_str().unwrap())]);
        let command = with_files(Cli::command(), &environment).unwrap();
        let told = |words: &[&str]| {
            let error = command.clone().try_get_matches_from(words).unwrap_err();
            explain(error, &command, &environment).to_string()
        };
        let help = told(&["pgstow", "backup", "--help"]);
        assert!(help.contains("--ping-url") && !help.contains("s3cret"), "{help}");
        let wrong = told(&["pgstow", "backup"]);
        assert!(
            wrong.contains("invalid value '***' for '--ping-url <URL>'"),
            "{wrong}"
        );
        assert!(wrong.contains("the environment variable PING_URL has"), "{wrong}");
        for words in [
            &["pgstow", "backup", "--to", "htp://me:s3cret@host/x"][..],
            &["pgstow", "backup", "--webhook-url", "ftp://host/s3cret"],
            &["pgstow", "list", "a", "https://me:s3cret@host/x"],
            &[
                "pgstow",
                "backup",
                "--offsite-recipients",
                "AGE-SECRET-KEY-1s3cret",
            ],
            &["pgstow", "https://me:s3cret@host/x"],
        ] {
            let wrong = told(words);
            assert!(wrong.contains("error: ") && !wrong.contains("s3cret"), "{wrong}");
        }
    }

    #[test]
    fn a_value_without_sense_is_told_with_the_variable_it_came_from() {
        let command = Cli::command().mut_subcommand("cleanup", |cleanup| {
            cleanup.mut_arg("keep_daily", |arg| arg.default_value("seven"))
        });
        let error = command
            .clone()
            .try_get_matches_from(["pgstow", "cleanup"])
            .unwrap_err();
        let environment = Environment::new([("KEEP_DAILY", "seven")]);
        let told = explain(error, &command, &environment).to_string();
        assert!(told.contains("the environment variable KEEP_DAILY has"), "{told}");
    }
}
