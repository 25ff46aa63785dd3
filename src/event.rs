//! Progress as data. The library reports what happens through an [`Observer`]; only `cli/` turns it into text.

use crate::error::ServerMessage;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A phase of the work begins.
    Phase(Phase),
    /// How much there is to do in this phase, as far as it is known: tables, and bytes of the server's estimate
    /// (dump) or of the compressed file (restore, verify).
    Total {
        /// Number of tables with rows to move.
        tables: u64,
        /// Bytes to move; 0 where unknown.
        bytes: u64,
    },
    /// More has been moved since the last such event.
    Moved {
        /// Rows since the last event.
        rows: u64,
        /// Bytes since the last event, in the unit of [`Event::Total`].
        bytes: u64,
    },
    /// A table is complete.
    Table {
        /// Schema.
        schema: String,
        /// Table.
        name: String,
        /// Its rows.
        rows: u64,
        /// Bytes of COPY text.
        bytes: u64,
    },
    /// A notice or warning of the server.
    Server(ServerMessage),
    /// Something the user should know though the work goes on.
    Warning(String),
    /// Something worth a line in the log.
    Info(String),
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Making the connection.
    Connect,
    /// Reading the catalogs.
    Introspect,
    /// Writing the dump.
    Dump,
    /// Reading back what was written.
    Verify,
    /// Replaying a script.
    Restore,
    /// Sending to another place.
    Upload,
}

/// Whoever wants to know. Called from several threads.
pub trait Observer: Send + Sync {
    /// Takes one event; must return quickly.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> Observer for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

/// Nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}
