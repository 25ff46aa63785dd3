//! What was sent to the server and what it answered, one after the other: many statements are under way at once, and
//! it stays exact which of them failed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use postgres_protocol::message::backend::Message;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::failure::{Doing, abbreviate, explain};
use super::gate::quoted;
use super::verdict::copy_target;
use crate::connect::{CancelHandle, Wire, WireReceiver, WireSender, server_message};
use crate::error::{Kind, ServerMessage};
use crate::event::{Event, Observer};
use crate::script::Statement;
use crate::{Error, Result, escape};

/// Statements under way at most.
const WINDOW: usize = 256;
/// Bytes of statements under way at most, but for a single longer one.
const WINDOW_BYTES: usize = 4 << 20;

/// What to do when nobody knows what became of a COMMIT.
pub(super) const LOOK_IT_UP: &str = "Whether the restore took effect must be looked up in the database.";

/// The form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they stand in the script.
    Text,
    /// Converted.
    Binary,
}

/// One thing sent, kept until it is answered.
#[derive(Debug)]
pub(super) enum Sent {
    /// A statement of the script.
    Statement { text: Bytes, line: u64 },
    /// A COPY with its rows, the first of which stands at line `rows`.
    Copy {
        text: Bytes,
        line: u64,
        rows: u64,
        schema: String,
        table: String,
        /// Bytes of COPY text, whatever form the rows are sent in.
        bytes: u64,
        form: Form,
        /// Its rows were withdrawn, so that it must fail.
        withdrawn: bool,
    },
    /// A statement of ours.
    Own(&'static str),
}

impl Sent {
    fn doing(&self) -> Doing<'_> {
        match self {
            Sent::Statement { text, line } => Doing::Statement { text, line: *line },
            Sent::Copy { text, line, rows, .. } => Doing::Copy {
                text,
                line: *line,
                rows: *rows,
            },
            Sent::Own(what) => Doing::Own(what),
        }
    }

    /// The transaction ended with it, which only statements of ours may do. The reader lets no COMMIT of the script pass,
    /// but it and the server can be of two minds about where a statement ends.
    fn may_end_the_transaction(&self) -> Result<()> {
        let (Sent::Statement { text, line } | Sent::Copy { text, line, .. }) = self else {
            return Ok(());
        };
        let why = "the statement ended the restore's transaction, and what came before it has taken effect";
        Err(
            Error::new(Kind::Script, format!("line {line}: {why}: {}", abbreviate(text)))
                .hint("The database holds a part of the script now: restore a backup of it from before."),
        )
    }

    /// Whether this error is what its withdrawal was to bring about.
    fn is_withdrawn_by(&self, error: &ServerMessage) -> bool {
        matches!(self, Sent::Copy { withdrawn: true, .. }) && error.code == "57014"
    }

    fn weight(&self) -> usize {
        match self {
            Sent::Statement { text, .. } | Sent::Copy { text, .. } => text.len(),
            Sent::Own(_) => 0,
        }
    }
}

/// One answer.
#[derive(Debug)]
enum Reply {
    /// The oldest thing sent is done.
    Done {
        error: Option<ServerMessage>,
        tag: String,
        in_transaction: bool,
    },
    /// The oldest thing sent wants rows.
    WantsRows { binary: bool },
    /// The connection is no more.
    Lost(Option<ServerMessage>, Option<io::Error>),
}

/// Both directions of the session.
pub(super) struct Conversation {
    pub(super) sender: WireSender,
    pub(super) counts: Counts,
    sent: VecDeque<Sent>,
    weight: usize,
    replies: mpsc::UnboundedReceiver<Reply>,
    observer: Arc<dyn Observer>,
    /// The tag of the last answer.
    tag: String,
    /// Whether the last answer left the session in a transaction that can go on.
    in_transaction: bool,
    /// What becomes of everything when something fails.
    outcome: &'static str,
    listening: AbortHandle,
    /// Cancelled when the server has nothing more to say.
    gone: CancellationToken,
    pub(super) cancel: CancelHandle,
    /// The session has been ended, and nobody need tell the server.
    ended: bool,
}

/// A restore that is dropped leaves no connection behind, and the server does not go on with a long statement.
impl Drop for Conversation {
    fn drop(&mut self) {
        self.listening.abort();
        if !self.ended
            && !self.sent.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            let cancel = self.cancel.clone();
            runtime.spawn(async move { cancel.cancel().await });
        }
    }
}

impl Conversation {
    /// `outcome` is what is said of everything done so far when something fails.
    pub(super) fn new(wire: Wire, observer: Arc<dyn Observer>, outcome: &'static str) -> Self {
        let (tell, replies) = mpsc::unbounded_channel();
        let Wire {
            sender,
            receiver,
            cancel,
        } = wire;
        let gone = CancellationToken::new();
        let hearing = listen(receiver, tell, Arc::clone(&observer));
        let end = gone.clone().drop_guard();
        let listening = tokio::spawn(async move {
            let _end = end;
            hearing.await;
        });
        Conversation {
            listening: listening.abort_handle(),
            gone,
            cancel,
            ended: false,
            sender,
            counts: Counts::default(),
            sent: VecDeque::new(),
            weight: 0,
            replies,
            observer,
            tag: String::new(),
            in_transaction: false,
            outcome,
        }
    }

    /// Sends a statement of the script.
    pub(super) async fn statement(&mut self, statement: &Statement) -> Result<()> {
        let sent = Sent::Statement {
            text: statement.text.clone(),
            line: statement.line,
        };
        self.send(sent, &[&statement.text]).await
    }

    /// Sends a COPY statement of the script, whose text is now these parts, for rows in this form.
    pub(super) async fn copy(&mut self, statement: &Statement, parts: &[&[u8]], form: Form) -> Result<()> {
        let (schema, table) = copy_target(&statement.text);
        let text = |name: &[u8]| escape::of_bytes(name).into_owned();
        let sent = Sent::Copy {
            text: statement.text.clone(),
            line: statement.line,
            rows: statement.line + memchr::memchr_iter(b'\n', &statement.text).count() as u64 + 1,
            schema: text(&schema.unwrap_or_default()),
            table: text(&table),
            bytes: 0,
            form,
            withdrawn: false,
        };
        self.send(sent, parts).await
    }

    /// Creates a role which can not log in.
    pub(super) async fn create_role(&mut self, role: &[u8]) -> Result<()> {
        let parts: [&[u8]; 3] = [b"CREATE ROLE ", &quoted(role), b" NOLOGIN"];
        self.send(Sent::Own("CREATE ROLE"), &parts).await
    }

    /// Sends a statement of ours.
    pub(super) async fn own(&mut self, what: &'static str, text: &[u8]) -> Result<()> {
        self.send(Sent::Own(what), &[text]).await
    }

    /// Begins a transaction with a statement of ours. Nothing may follow before it is answered: were it cancelled with
    /// others under way behind it, each of them would commit by itself.
    pub(super) async fn begin(&mut self, text: &[u8]) -> Result<()> {
        self.own("BEGIN", text).await?;
        self.drain().await?;
        match self.in_transaction {
            true => Ok(()),
            false => Err(Error::failed(
                "the server began no transaction; nothing was changed",
            )),
        }
    }

    /// Sends a statement once there is room; `parts` joined are its text.
    async fn send(&mut self, sent: Sent, parts: &[&[u8]]) -> Result<()> {
        while self.sent.len() >= WINDOW || self.weight > WINDOW_BYTES {
            self.flush().await?;
            self.reply().await?;
        }
        self.settle()?;
        self.weight += sent.weight();
        self.sent.push_back(sent);
        let done = unless(&self.gone, self.sender.query(parts)).await;
        self.check(done).await
    }

    /// Sends rows of the COPY sent last, which are so many bytes in the script.
    pub(super) async fn rows(&mut self, data: &Bytes, text: u64) -> Result<()> {
        self.settle()?;
        if let Some(Sent::Copy { bytes, .. }) = self.sent.back_mut() {
            *bytes += text;
        }
        let done = unless(&self.gone, self.sender.copy_data(data)).await;
        self.check(done).await
    }

    /// Ends the rows of the COPY sent last.
    pub(super) async fn end_of_rows(&mut self) -> Result<()> {
        let done = unless(&self.gone, self.sender.copy_done()).await;
        self.check(done).await
    }

    /// Withdraws the rows of the COPY sent last: it comes to nothing, and its transaction can only be rolled back.
    pub(super) async fn withdraw_rows(&mut self, why: &str) -> Result<()> {
        self.settle()?;
        if let Some(Sent::Copy { withdrawn, .. }) = self.sent.back_mut() {
            *withdrawn = true;
        }
        let done = unless(&self.gone, self.sender.copy_fail(why)).await;
        self.check(done).await
    }

    /// Sends what has been collected so far.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let done = unless(&self.gone, self.sender.flush()).await;
        self.check(done).await
    }

    /// Waits until everything sent is answered. Gives the last answer's command tag.
    pub(super) async fn drain(&mut self) -> Result<&str> {
        self.flush().await?;
        while !self.sent.is_empty() {
            self.reply().await?;
        }
        Ok(&self.tag)
    }

    /// Takes the next answer. Safe to drop and call again.
    pub(super) async fn reply(&mut self) -> Result<()> {
        match self.replies.recv().await {
            Some(reply) => self.take(reply),
            None => Err(Error::failed("the connection to the server was lost")),
        }
    }

    /// Ends the session and waits until the server has ended it, too: then nothing is left of a transaction that did not
    /// commit. Safe to drop and call again.
    pub(super) async fn close(&mut self) {
        let _ = unless(&self.gone, self.sender.close()).await;
        while let Some(reply) = self.replies.recv().await {
            match reply {
                Reply::Done { error, tag, .. } => {
                    self.sent.pop_front();
                    self.tag = if error.is_none() { tag } else { String::new() };
                }
                Reply::WantsRows { .. } => {}
                Reply::Lost(..) => break,
            }
        }
        self.ended = true;
    }

    /// Once the session is [closed](Self::close): the tag of the last statement, empty if it failed; `None`: whether that
    /// took effect is not known, for it was never answered.
    pub(super) fn last_words(&self) -> Option<&str> {
        self.sent.is_empty().then_some(&self.tag)
    }

    /// Takes all answers that are there.
    fn settle(&mut self) -> Result<()> {
        while let Ok(reply) = self.replies.try_recv() {
            self.take(reply)?;
        }
        Ok(())
    }

    fn take(&mut self, reply: Reply) -> Result<()> {
        match reply {
            Reply::Done {
                error,
                tag,
                in_transaction,
            } => {
                self.tag = tag;
                let ended = std::mem::replace(&mut self.in_transaction, in_transaction) && !in_transaction;
                let Some(sent) = self.sent.pop_front() else {
                    return Err(Error::failed("the server answered what was not asked"));
                };
                self.weight -= sent.weight();
                match error {
                    Some(message) if sent.is_withdrawn_by(&message) => Ok(()),
                    Some(message) => Err(explain(sent.doing(), message, false, self.outcome)),
                    None => {
                        if ended {
                            sent.may_end_the_transaction()?;
                        }
                        self.done(sent);
                        Ok(())
                    }
                }
            }
            Reply::WantsRows { binary } => match self.sent.front() {
                Some(Sent::Copy {
                    line,
                    form: Form::Text,
                    ..
                }) if binary => Err(Error::new(
                    Kind::Script,
                    format!("line {line}: COPY in binary format cannot stand in a script"),
                )),
                Some(Sent::Copy { .. }) => Ok(()),
                other => Err(Error::new(
                    Kind::Script,
                    match other.map(Sent::doing) {
                        Some(Doing::Statement { line, .. }) => {
                            format!("line {line}: the statement wants rows unexpectedly")
                        }
                        _ => "the server wants rows unexpectedly".to_string(),
                    },
                )),
            },
            Reply::Lost(Some(message), _) => {
                let doing = self.sent.front().map_or(Doing::Own("waiting"), Sent::doing);
                Err(explain(doing, message, true, self.outcome))
            }
            Reply::Lost(None, cause) => {
                let committing = matches!(self.sent.front(), Some(Sent::Own("COMMIT")));
                let error = match self.sent.front().map(Sent::doing) {
                    _ if committing => {
                        Error::failed("the connection to the server was lost during COMMIT").hint(LOOK_IT_UP)
                    }
                    Some(Doing::Statement { line, .. } | Doing::Copy { line, .. }) => Error::failed(format!(
                        "the connection to the server was lost in the statement at line {line}; {}",
                        self.outcome
                    )),
                    _ => Error::failed(format!("the connection to the server was lost; {}", self.outcome)),
                };
                Err(match cause {
                    Some(cause) => error.because(cause),
                    None => error,
                })
            }
        }
    }

    fn done(&mut self, sent: Sent) {
        match sent {
            Sent::Own(_) => {}
            Sent::Statement { .. } => self.counts.statements += 1,
            Sent::Copy {
                schema, table, bytes, ..
            } => {
                let rows = self
                    .tag
                    .rsplit(' ')
                    .next()
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(0);
                self.counts.statements += 1;
                self.counts.tables += 1;
                self.counts.rows += rows;
                self.observer.event(Event::Moved { rows, bytes: 0 });
                self.observer.event(Event::Table {
                    schema,
                    name: table,
                    rows,
                    bytes,
                });
            }
        }
    }

    /// A write failed because the server went away, and it may have said why.
    async fn check(&mut self, done: io::Result<()>) -> Result<()> {
        let Err(cause) = done else { return Ok(()) };
        while let Some(reply) = self.replies.recv().await {
            self.take(reply)?;
        }
        Err(self.lost(cause))
    }

    fn lost(&self, cause: io::Error) -> Error {
        Error::failed(format!("the connection to the server was lost; {}", self.outcome)).because(cause)
    }
}

/// Writes, unless the server has gone: a relay in between may leave its end open and read nothing any more.
async fn unless(gone: &CancellationToken, writing: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    tokio::select! {
        biased;
        done = writing => done,
        () = gone.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Turns messages into replies until the connection ends.
async fn listen(mut receiver: WireReceiver, tell: mpsc::UnboundedSender<Reply>, observer: Arc<dyn Observer>) {
    let mut error: Option<ServerMessage> = None;
    let mut tag = String::new();
    loop {
        let reply = match receiver.next().await {
            Ok(Some(Message::ErrorResponse(body))) => {
                let message = server_message(body.fields());
                // Of a statement's errors the first one is its cause.
                error.get_or_insert(message);
                continue;
            }
            Ok(Some(Message::CommandComplete(body))) => {
                tag = body.tag().unwrap_or_default().to_string();
                continue;
            }
            Ok(Some(Message::NoticeResponse(body))) => {
                observer.event(Event::Server(server_message(body.fields())));
                continue;
            }
            Ok(Some(Message::ReadyForQuery(body))) => Reply::Done {
                error: error.take(),
                tag: std::mem::take(&mut tag),
                in_transaction: body.status() == b'T',
            },
            Ok(Some(Message::CopyInResponse(body))) => Reply::WantsRows {
                binary: body.format() == 1,
            },
            // Results of queries have no reader here.
            Ok(Some(_)) => continue,
            Ok(None) => Reply::Lost(error.take(), None),
            Err(e) => Reply::Lost(error.take(), Some(e)),
        };
        let over = matches!(reply, Reply::Lost(..));
        let _ = tell.send(reply);
        if over {
            return;
        }
    }
}
