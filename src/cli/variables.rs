//! Every option's environment variable `NAME` also as `NAME_FILE`, the way of container secrets. (The connection's
//! variables, `PGPASSWORD` among them, are read in [`crate::connect`], by the same rule.)

use std::cell::RefCell;

use clap::Command;

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
}
