//! One error type for the whole program: its kind decides the exit code, its text is written for the person
//! who reads it at night.

use std::fmt;

use crate::secret;

/// The result of everything in pgstow that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It did not work and nothing was changed.
    Failed,
    /// The command line, the environment or a setting makes no sense.
    Usage,
    /// A statement of a script failed on the server; everything was rolled back.
    Script,
    /// The backup or file is damaged, truncated or not ours.
    Damaged,
    /// Another run holds the lock.
    Locked,
    /// Stopped by the user or the system (Ctrl-C, SIGTERM).
    Interrupted,
}

impl Kind {
    /// In one word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Usage => "usage",
            Kind::Script => "script",
            Kind::Damaged => "damaged",
            Kind::Locked => "locked",
            Kind::Interrupted => "interrupted",
        }
    }

    /// The process's exit code. For [`Kind::Interrupted`] the program uses 128 + the signal's number instead.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Script => 3,
            Kind::Damaged => 4,
            Kind::Locked => 5,
            Kind::Interrupted => 130,
        }
    }
}

/// What a PostgreSQL server said, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerMessage {
    /// `ERROR`, `FATAL`, `WARNING`, `NOTICE`, ...
    pub severity: String,
    /// The five-character SQLSTATE.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// DETAIL, if any.
    pub detail: Option<String>,
    /// HINT, if any.
    pub hint: Option<String>,
    /// CONTEXT, if any.
    pub context: Option<String>,
    /// Position in the statement, in characters from 1, if the server gave one.
    pub position: Option<u32>,
}

impl ServerMessage {
    /// Every field that a server's message can show its reader.
    pub fn from_db(e: &tokio_postgres::error::DbError) -> Self {
        let position = match e.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(at)) => Some(*at),
            _ => None,
        };
        ServerMessage {
            severity: e.severity().to_string(),
            code: e.code().code().to_string(),
            message: e.message().to_string(),
            detail: e.detail().map(str::to_string),
            hint: e.hint().map(str::to_string),
            context: e.where_().map(str::to_string),
            position,
        }
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (SQLSTATE {})", self.severity, self.message, self.code)?;
        let more = [
            ("DETAIL", &self.detail),
            ("HINT", &self.hint),
            ("CONTEXT", &self.context),
        ];
        for (name, text) in more {
            if let Some(text) = text {
                write!(f, "\n{name}: {text}")?;
            }
        }
        Ok(())
    }
}

/// What went wrong, with the value it went wrong on, what was expected, and what to do about it.
///
/// Messages start in lower case and have no full stop; a hint is a sentence of its own.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    server: Option<ServerMessage>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of any kind. What the message quotes is kept without its secrets ([`secret`]).
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: secret::masked_with_queries(&message.into()).into_owned(),
            hint: None,
            server: None,
            source: None,
        }))
    }

    /// It did not work ([`Kind::Failed`]).
    pub fn failed(message: impl Into<String>) -> Self {
        Error::new(Kind::Failed, message)
    }

    /// What the user asked for makes no sense ([`Kind::Usage`]).
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(Kind::Usage, message)
    }

    /// The file is not whole ([`Kind::Damaged`]).
    pub fn damaged(message: impl Into<String>) -> Self {
        Error::new(Kind::Damaged, message)
    }

    /// The user or the system asked us to stop ([`Kind::Interrupted`]).
    pub fn interrupted() -> Self {
        Error::new(Kind::Interrupted, "stopped by a signal")
    }

    /// An I/O error while doing `what` ("cannot write /backups/x").
    pub fn io(what: impl fmt::Display, source: std::io::Error) -> Self {
        Error::failed(what.to_string()).because(source)
    }

    /// The [`Error`] that a reader handed through as an I/O error, or the I/O error as one.
    pub fn of_reading(e: std::io::Error) -> Self {
        match e.downcast::<Error>() {
            Ok(error) => error,
            Err(e) => Error::io("cannot read", e),
        }
    }

    /// Adds the sentence that tells what to do. A later call replaces an earlier one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Keeps the server's own words.
    #[must_use]
    pub fn with_server(mut self, server: ServerMessage) -> Self {
        self.0.server = Some(server);
        self
    }

    /// Changes the kind, and so the exit code.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Puts what was being done before the message: "reading the catalog: ...".
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        let doing = doing.to_string();
        self.0.message = format!("{}: {}", secret::masked_with_queries(&doing), self.0.message);
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message alone, without hint, cause and server fields.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The message and its causes, without hint and server fields.
    pub fn with_causes(&self) -> String {
        let mut told = self.0.message.clone();
        let mut cause = self.0.source.as_deref().map(|e| e as &dyn std::error::Error);
        let mut last = told.clone();
        while let Some(e) = cause {
            let text = e.to_string();
            let text = secret::masked_with_queries(&text).into_owned();
            // Wrappers often repeat their cause's text.
            if !last.contains(&text) {
                told += ": ";
                told += &text;
                last = text;
            }
            cause = e.source();
        }
        told
    }

    /// The sentence that tells what to do, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What the server said, if a server said it.
    pub fn server(&self) -> Option<&ServerMessage> {
        self.0.server.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_causes())?;
        if let Some(server) = &self.0.server {
            write!(f, "\n{}", secret::masked(&server.to_string()))?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(e: tokio_postgres::Error) -> Self {
        match e.as_db_error() {
            Some(db) => Error::failed("the server reported an error").with_server(ServerMessage::from_db(db)),
            None if e.is_closed() => Error::failed("the connection to the server was lost").because(e),
            None => Error::failed("talking to the server failed").because(e),
        }
    }
}
