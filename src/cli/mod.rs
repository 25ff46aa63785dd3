//! The verbs of the command line. Only here is there text for terminals; below, progress is data ([`crate::event`]).
//!
//! A verb is a file with an `Args` struct and `run(args, context)`, and one line in [`Verb`] and in [`run`].

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::connect::Environment;
use crate::event::Observer;
use crate::{Error, Result};

pub mod backup;
mod choose;
pub mod cleanup;
pub mod compare;
pub mod completions;
pub mod connection;
mod databases;
pub mod doctor;
pub mod dump;
mod dump_options;
mod examples;
pub mod health;
pub use crate::human;
pub mod list;
pub mod log;
pub mod man;
mod notify;
mod offsite;
mod outcome;
pub mod progress;
mod prompt;
pub mod restore;
mod round;
pub mod schedule;
pub mod select;
pub mod snapshot;
mod source;
pub mod store;
pub mod table;
mod variables;
pub mod verify;

pub use connection::Connection;
pub use snapshot::SnapshotArgs;

/// All exit codes; each verb's `--help` shows its own.
const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed, nothing changed
    2  usage
    3  the script failed on the server and was rolled back
    4  the backup or file is damaged
    5  locked by another run
  130  stopped by SIGINT (143: SIGTERM)";

/// Stows a PostgreSQL database into one plain-SQL .sql.gz and brings it back
#[derive(Debug, Parser)]
#[command(name = "pgstow", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
#[command(
    override_usage = "pgstow [OPTIONS] [VERB]",
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs"
)]
// `-h` is the host, as in pg_dump and psql; help is `-?` there too.
#[command(disable_help_flag = true)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Print help
    #[arg(short = '?', long, global = true, action = clap::ArgAction::Help, help_heading = "Global options")]
    help: Option<bool>,
    /// Log warnings and errors only
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Form of the log lines on standard error
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        env = "LOG_FORMAT",
        help_heading = "Global options"
    )]
    pub log_format: log::Format,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Back a database up into the store, verify, rotate (the default)
    #[command(after_help = examples::BACKUP)]
    Backup(backup::Args),
    /// Replay a backup, ours or pg_dump's, into a database: all of it or nothing
    #[command(after_help = examples::RESTORE)]
    Restore(restore::Args),
    /// Show the backups in the store, or what is inside one
    #[command(after_help = examples::LIST)]
    List(list::Args),
    /// Delete old backups by the retention rules, saying why each stays or goes
    #[command(after_help = examples::CLEANUP)]
    Cleanup(cleanup::Args),
    /// Dump a database into a file or to standard output, outside the store
    #[command(after_help = examples::DUMP)]
    Dump(dump::Args),
    /// Prove that a backup is whole, every row of it
    #[command(after_help = examples::VERIFY)]
    Verify(verify::Args),
    /// Back up at the start and whenever the schedule says so
    #[command(after_help = examples::SCHEDULE)]
    Schedule(schedule::Args),
    /// Tell which tables of a live database differ from a backup
    #[command(after_help = examples::COMPARE)]
    Compare(compare::Args),
    /// Find everything beforehand that would make a backup or a restore fail
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::Args),
    /// Tell by the exit code whether the last good backup is fresh enough
    #[command(after_help = examples::HEALTH)]
    Health(health::Args),
    /// Print what a shell needs to complete verbs and options
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Args),
    /// Print a manual page, or write all of them
    #[command(after_help = examples::MAN)]
    Man(man::Args),
}

impl Verb {
    /// Whether a program reads what is reported.
    fn json(&self) -> bool {
        match self {
            Verb::Backup(args) => args.json,
            Verb::Restore(args) => args.json,
            Verb::List(args) => args.json,
            Verb::Cleanup(args) => args.json,
            Verb::Dump(args) => args.json(),
            Verb::Verify(args) => args.json,
            Verb::Schedule(args) => args.json(),
            Verb::Compare(args) => args.json,
            Verb::Doctor(args) => args.json,
            Verb::Health(args) => args.json,
            Verb::Completions(_) | Verb::Man(_) => false,
        }
    }
}

/// Runs the verb. With `--json`, an error before there was anything to report is reported itself.
pub async fn run(cli: Cli, context: &Context) -> Result<()> {
    let json = cli.verb.json();
    let done = run_verb(cli.verb, context).await;
    if let Err(e) = &done
        && json
        && !PRINTED.load(Ordering::Relaxed)
    {
        // In one line, as a daemon prints its reports. Standard error tells it, too; who went away hears neither.
        let _ = print(&format!("{}\n", failure(e)));
    }
    done
}

/// An error for a program, as docs/json.md describes it.
fn failure(e: &Error) -> serde_json::Value {
    let server = e.server().map(|server| {
        json!({
            "severity": server.severity,
            "code": server.code,
            "message": server.message,
            "detail": server.detail,
            "hint": server.hint,
            "context": server.context,
        })
    });
    json!({
        "error": {
            "kind": e.kind().word(),
            "message": e.with_causes(),
            "hint": e.hint_text(),
            "server": server,
        }
    })
}

async fn run_verb(verb: Verb, context: &Context) -> Result<()> {
    match verb {
        Verb::Backup(args) => backup::run(args, context).await,
        Verb::Restore(args) => restore::run(args, context).await,
        Verb::List(args) => list::run(args, context).await,
        Verb::Cleanup(args) => cleanup::run(args, context).await,
        Verb::Dump(args) => dump::run(args, context).await,
        Verb::Verify(args) => verify::run(args, context).await,
        Verb::Schedule(args) => schedule::run(args, context).await,
        Verb::Compare(args) => compare::run(args, context).await,
        Verb::Doctor(args) => doctor::run(args, context).await,
        Verb::Health(args) => health::run(args, context).await,
        Verb::Completions(args) => completions::run(args, context).await,
        Verb::Man(args) => man::run(args, context).await,
    }
}

impl Cli {
    /// What the user typed; ends the process with help or a usage error (exit code 2) where it makes no sense.
    pub fn from_args() -> Cli {
        let wrong = |e: Error| -> ! { Cli::command().error(ErrorKind::ValueValidation, e).exit() };
        let environment = Environment::of_process();
        let command = variables::with_files(Cli::command(), &environment).unwrap_or_else(|e| wrong(e));
        let mut args = with_verb(std::env::args_os().collect());
        let from_file = environment
            .secret(dump_options::VARIABLE)
            .unwrap_or_else(|e| wrong(e));
        if let Some(options) = from_file.or_else(|| std::env::var(dump_options::VARIABLE).ok()) {
            args = dump_options::insert(args, &options).unwrap_or_else(|e| wrong(e));
        }
        let matches = command
            .clone()
            .try_get_matches_from(args)
            .unwrap_or_else(|e| variables::explain(e, &command, &environment).exit());
        Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit())
    }
}

/// The arguments with `backup` put in where only options are given.
fn with_verb(mut args: Vec<OsString>) -> Vec<OsString> {
    let command = Cli::command();
    let named = |arg: &OsString| command.find_subcommand(arg).is_some();
    let asks = |arg: &OsString| ["-?", "--help", "-V", "--version"].iter().any(|a| arg == a);
    let option_first = args.get(1).is_none_or(|a| a.as_encoded_bytes().starts_with(b"-"));
    if option_first && !args.iter().skip(1).any(|arg| named(arg) || asks(arg)) {
        args.insert(args.len().min(1), "backup".into());
    }
    args
}

/// What every verb is given besides its own options.
pub struct Context {
    /// Whom to tell what happens.
    pub observer: Arc<dyn Observer>,
    /// Cancelled on SIGINT and SIGTERM: a verb then cleans up behind itself and returns [`Error::interrupted`].
    pub cancel: CancellationToken,
}

impl Context {
    /// A context that reports to the log.
    pub fn new(options: &Global, cancel: CancellationToken) -> Context {
        Context {
            observer: Arc::new(log::Log::new(options)),
            cancel,
        }
    }

    /// Runs work until it ends or a signal comes. The work is dropped on a signal, so this is for work whose
    /// destructors clean up.
    pub async fn until_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::interrupted()),
            result = work => result,
        }
    }
}

/// Whether anything was written to standard output, which then has a report or its beginning.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Writes a report to standard output. A reader that went away is an error that ends the program quietly.
pub fn print(text: &str) -> Result<()> {
    progress::wipe();
    PRINTED.store(true, Ordering::Relaxed);
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| Error::io("cannot write to standard output", e))
}

/// Writes a report for a program; docs/json.md describes each.
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_readme_names_every_verb_and_every_variable() {
        let readme = include_str!("../../README.md");
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            assert!(readme.contains(&format!("| `{name}")), "the verb {name}");
            for variable in verb.get_arguments().filter_map(clap::Arg::get_env) {
                let variable = variable.to_str().expect("it is ASCII");
                assert!(readme.contains(&format!("`{variable}`")), "{variable} of {name}");
            }
        }
    }

    /// What stands between "Examples:" or "Exit codes:" and the next blank line.
    fn block<'h>(help: &'h str, title: &str) -> Vec<&'h str> {
        let lines = help.lines().skip_while(|line| *line != title).skip(1);
        lines.take_while(|line| !line.is_empty()).collect()
    }

    #[test]
    fn every_verb_s_help_has_two_examples_and_its_exit_codes() {
        for verb in Cli::command().get_subcommands() {
            let (name, help) = (verb.get_name(), verb.get_after_help().map(ToString::to_string));
            let help = help.unwrap_or_default();
            let examples = block(&help, "Examples:");
            let commands = examples.iter().filter(|line| !line.starts_with("      "));
            assert_eq!((commands.count(), examples.len()), (2, 4), "{name}: {help}");
            let codes: Vec<&str> = block(&help, "Exit codes:")
                .iter()
                .filter_map(|line| line.split_whitespace().next())
                .collect();
            assert!(codes.starts_with(&["0", "1", "2"]) && codes.is_sorted_by_key(|c| c.parse::<u8>().ok()));
        }
    }

    #[test]
    fn every_option_s_help_has_its_variable_default_and_unit() {
        // What is not there without being asked for: names of things, and places.
        const NOTHING: [&str; 26] = [
            "PATTERN",
            "FILE",
            "URL",
            "DIR",
            "ROLE",
            "NAME",
            "SNAPSHOT",
            "KEY",
            "SECTION",
            "SCHEMA",
            "[SCHEMA.]TABLE",
            "AGE1...",
            "ADDRESS",
            "FORMAT",
            "NAME|URI",
            "HOST",
            "PORT",
            "METHOD",
            "ENCODING",
            "SIZE",
            "N",
            "NUMBER",
            "DBNAME",
            "SHELL",
            "DIGITS",
            "TIMEOUT",
        ];
        let mut program = Cli::command();
        // Only then do options know how they are shown.
        program.build();
        for verb in program.get_subcommands() {
            for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let at = format!("{arg} of {}", verb.get_name());
                let help = arg.get_long_help().or(arg.get_help());
                let help = help.map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{at} has no help");
                assert!(!arg.is_hide_env_set() && !arg.is_hide_default_value_set(), "{at}");
                let Some(names) = arg.get_value_names().filter(|_| arg.get_action().takes_values()) else {
                    continue;
                };
                let name = names[0].as_str();
                let has_default = !arg.get_default_values().is_empty() || help.contains("[default: ");
                assert!(has_default || NOTHING.contains(&name), "{at}: what without it?");
                // Numbers of connections and the like are never "none".
                let counts = ["N", "NUMBER", "DIGITS", "SIZE", "PORT"].contains(&name);
                let none = help.contains("implies");
                assert!(has_default || !counts || none, "{at}: how many without it?");
                if ["TIME", "TIMEOUT", "SIZE"].contains(&name) {
                    let words = help.split(|c: char| !c.is_alphanumeric());
                    let is_example = |word: &str| {
                        let number = word.trim_end_matches(|c: char| c.is_alphabetic());
                        !number.is_empty() && number.len() < word.len() && number.parse::<u32>().is_ok()
                    };
                    let default = arg.get_default_values().first().and_then(|v| v.to_str());
                    assert!(
                        words.into_iter().any(is_example) || default.is_some_and(is_example),
                        "{at}: in which unit?"
                    );
                }
            }
            for option in ["dbname", "host", "port", "username"] {
                let Some(arg) = verb.get_arguments().find(|arg| arg.get_id() == option) else {
                    continue;
                };
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    help.contains("[env: PG"),
                    "{option} of {}: {help}",
                    verb.get_name()
                );
            }
        }
    }

    #[test]
    fn options_alone_are_those_of_backup() {
        for (typed, meant) in [
            ("", "backup"),
            ("-d app", "backup -d app"),
            ("--quiet", "backup --quiet"),
            ("--quiet list", "--quiet list"),
            ("--help", "--help"),
            ("bakcup", "bakcup"),
        ] {
            let words = |text: &str| -> Vec<OsString> {
                let words = text.split_whitespace().map(Into::into);
                std::iter::once("pgstow".into()).chain(words).collect()
            };
            assert_eq!(with_verb(words(typed)), words(meant), "{typed}");
        }
    }
}
