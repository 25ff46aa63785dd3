//! Asking a person at the terminal, never at standard input, which may be a file.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Context;
use crate::{Error, Result};

/// Asks for a password, which does not show. Ctrl-C gives the terminal back as it was.
pub async fn password(question: &str, context: &Context) -> Result<String> {
    let no_terminal = |e| {
        Error::io("cannot ask for a password: there is no terminal", e)
            .hint("set PGPASSWORD or PGPASSWORD_FILE, or add a line to ~/.pgpass")
    };
    let terminal = open().map_err(no_terminal)?;
    let quiet = Quiet::begin(terminal.try_clone().map_err(no_terminal)?).map_err(no_terminal)?;
    let line = ask(terminal, question, context).await?;
    drop(quiet);
    match line.strip_suffix('\n') {
        Some(password) => Ok(password.to_string()),
        None => Err(Error::failed("no password was given")),
    }
}

/// Asks until the answer is yes or no; `None` if there is nobody to ask.
pub async fn yes_or_no(question: &str, context: &Context) -> Result<Option<bool>> {
    // Where the messages do not reach a terminal, nobody would see the question's reasons.
    if !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    loop {
        let Ok(terminal) = open() else { return Ok(None) };
        let line = ask(terminal, &format!("{question} (yes/no) "), context).await?;
        match line.trim().to_ascii_lowercase().as_str() {
            "yes" => return Ok(Some(true)),
            "no" | "n" => return Ok(Some(false)),
            _ if !line.ends_with('\n') => return Ok(Some(false)),
            _ => {}
        }
    }
}

/// Whether there is anybody to ask: where the messages do not reach a terminal, nobody would see the question's reasons.
pub fn someone_there() -> bool {
    std::io::stderr().is_terminal() && open().is_ok()
}

/// Asks for one line; `None` if there is nobody to ask.
pub async fn line(question: &str, context: &Context) -> Result<Option<String>> {
    if !someone_there() {
        return Ok(None);
    }
    let Ok(terminal) = open() else { return Ok(None) };
    ask(terminal, question, context).await.map(Some)
}

fn open() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

/// One line from the terminal, its end included unless it was closed.
async fn ask(mut terminal: File, question: &str, context: &Context) -> Result<String> {
    let failed = |e| Error::io("cannot ask on the terminal", e);
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    // Not one of the runtime's threads: nothing can wake this read, and the program must be able to end.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(terminal).read_line(&mut line).map(|_| line);
        // Nobody waits any more after Ctrl-C.
        let _ = answer.send(read);
    });
    context
        .until_cancelled(async {
            match answered.await {
                Ok(Ok(line)) => Ok(line),
                Ok(Err(e)) => Err(Error::io("cannot read from the terminal", e)),
                Err(_) => Err(Error::failed("cannot read from the terminal")),
            }
        })
        .await
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: File) -> std::io::Result<Quiet> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // What was typed ahead was not meant as a password.
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Quiet { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing given back.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        let _ = self.terminal.write_all(b"\n");
    }
}
