//! Every option's environment variable `NAME` also as `NAME_FILE`, the way of container secrets. (The connection's
//! variables, `PGPASSWORD` among them, are read in [`crate::connect`], by the same rule.)

use std::cell::RefCell;

use clap::Command;
use clap::error::{ContextKind, ContextValue};

use crate::connect::Environment;
use crate::{Error, Result};

/// Makes the contents of `NAME_FILE` the default of each option that reads `NAME`.
pub fn with_files(command: Command, environment: &Environment) -> Result<Command> {
    let failure = RefCell::new(None);
    let command = each_option(command, &|arg| match from_file(&arg, environment) {
        Ok(Some(text)) => arg.default_value(text),
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

/// Adds to an error about an option's value which variable it came from, if nobody typed it.
pub fn explain(mut error: clap::Error, command: &Command, environment: &Environment) -> clap::Error {
    let text = |kind| error.get(kind).map(ToString::to_string);
    let (option, value) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue));
    let (Some(option), Some(value)) = (option, value) else {
        return error;
    };
    let mut command = command.clone();
    // Only then do options know how they are shown.
    command.build();
    let verbs = command.get_subcommands();
    let mut options = verbs
        .flat_map(Command::get_arguments)
        .chain(command.get_arguments());
    let variable = options.find_map(|arg| {
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
