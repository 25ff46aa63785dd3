//! Progress as data. The library reports what happens through an [`Observer`]; only `cli/` turns it into text.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

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

/// The two ends of a stream of events. The sender is an [`Observer`] for as many tasks as like; the stream ends when all
/// senders are gone. Events that nobody takes are kept, and there is one for every megabyte or so.
///
/// ```
/// use futures_util::StreamExt;
/// use pgstow::event::{Event, Observer, events};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (sender, mut stream) = events();
/// sender.event(Event::Info("half way".into()));
/// drop(sender);
/// let heard = stream.next().await;
/// assert!(matches!(heard, Some(Event::Info(text)) if text == "half way"));
/// assert!(stream.next().await.is_none());
/// # });
/// ```
pub fn events() -> (EventSender, Events) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (EventSender(sender), Events(receiver))
}

/// The observer behind a stream of events.
#[derive(Debug, Clone)]
pub struct EventSender(mpsc::UnboundedSender<Event>);

impl Observer for EventSender {
    fn event(&self, event: Event) {
        // Whoever dropped the stream does not want to know any more.
        let _ = self.0.send(event);
    }
}

/// Events as they happen.
#[derive(Debug)]
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(cx)
    }
}

/// Nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}
