//! Log lines on standard error: `[INFO] ...` as a person or Loki reads them, or one JSON object a line.

use std::fmt;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::progress::{Display, Progress, Stderr};
use crate::Error;
use crate::escape;
use crate::event::{Event, Observer};

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `[INFO] message`
    Text,
    /// `{"timestamp":"...","level":"INFO","message":"..."}`
    Json,
}

/// Starts logging; to be called once, by the program.
pub fn start(options: &super::Global) {
    let level = if options.quiet {
        LevelFilter::WARN
    } else {
        LevelFilter::INFO
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Stderr)
        // Who reads the log may go away; that must not end a backup.
        .log_internal_errors(false)
        .with_ansi(false);
    match options.log_format {
        Format::Text => {
            let colours = has_colours();
            log.event_format(Lines { colours }).init();
        }
        Format::Json => log.json().flatten_event(true).with_target(false).init(),
    }
}

/// Logs an error with everything its reader can use: cause, the server's words, hint.
pub fn error(error: &Error) {
    tracing::error!("{error}");
}

/// The observer of the command line.
#[derive(Debug)]
pub struct Log(Mutex<Progress>);

impl Log {
    /// Logs, and shows progress as the options want it.
    pub fn new(options: &super::Global) -> Log {
        Log(Mutex::new(Progress::new(Display::of_stderr(options))))
    }
}

impl Observer for Log {
    fn event(&self, event: Event) {
        // Whoever panicked holding it left nothing worse than a wrong number.
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = progress.take(&event, Instant::now()) {
            tracing::info!("{text}");
        }
        drop(progress);
        match event {
            Event::Warning(text) => tracing::warn!("{text}"),
            Event::Info(text) => tracing::info!("{text}"),
            Event::Server(message) if message.severity == "WARNING" => tracing::warn!("{message}"),
            _ => {}
        }
    }
}

/// Whether standard error shows colours and nobody minds (`NO_COLOR`, see no-color.org).
fn has_colours() -> bool {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let minds = variable("NO_COLOR").is_some() || variable("TERM").is_none_or(|term| term == "dumb");
    !minds && std::io::stderr().is_terminal()
}

/// The old script's form: `[LEVEL] message`.
struct Lines {
    /// Whether warnings and errors stand out.
    colours: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        struct Message<'a, 'b>(&'a mut Writer<'b>, fmt::Result);
        impl Visit for Message<'_, '_> {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    let text = format!("{value:?}");
                    self.1 = writeln!(self.0, "{}", escape::shown(&text));
                }
            }
        }
        writer.write_str(match (*event.metadata().level(), self.colours) {
            (Level::ERROR, true) => "\x1b[31m[ERROR]\x1b[0m ",
            (Level::ERROR, false) => "[ERROR] ",
            (Level::WARN, true) => "\x1b[33m[WARN]\x1b[0m ",
            (Level::WARN, false) => "[WARN] ",
            _ => "[INFO] ",
        })?;
        let mut message = Message(&mut writer, Ok(()));
        event.record(&mut message);
        message.1
    }
}
