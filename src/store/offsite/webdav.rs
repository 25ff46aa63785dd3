//! Uploads to a WebDAV server, for which `object_store` would need the whole object in memory: one PUT that streams,
//! under another name, then a MOVE, so that a name means a whole object there, too.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{Either, Empty, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::sync::mpsc;
use url::Url;

use super::upload::{Failure, Message};
use super::{PATIENCE, Trouble};
use crate::{Error, Result, http};

/// How long the removal of what was given up may take.
const REMOVAL: Duration = Duration::from_secs(10);

/// A server, and who we are there.
#[derive(Debug, Clone)]
pub(super) struct Server {
    root: Url,
    authorization: Option<HeaderValue>,
}

type Parts = Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, std::io::Error>> + Send>>;
type Body = Either<StreamBody<Parts>, Empty<Bytes>>;

impl Server {
    /// The server of a URL, whose user and password go into a header.
    pub(super) fn new(url: &Url) -> Result<Server> {
        let mut root = url.clone();
        root.set_path("");
        root.set_query(None);
        let wrong = |()| Error::usage("user and password in the URL cannot be understood");
        root.set_username("").map_err(wrong)?;
        root.set_password(None).map_err(wrong)?;
        let decode = |text: &str| super::address::percent_decoded(text).unwrap_or_default();
        let authorization = match url.username() {
            "" => None,
            user => {
                let password = decode(url.password().unwrap_or_default());
                let text = format!("Basic {}", BASE64.encode(format!("{}:{password}", decode(user))));
                let mut value = HeaderValue::from_str(&text)
                    .map_err(|e| Error::usage("user and password in the URL cannot be sent").because(e))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Server { root, authorization })
    }

    /// The server's URL without user and password.
    pub(super) fn root(&self) -> String {
        self.root.to_string()
    }

    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.clone()
    }

    fn url(&self, path: &str) -> String {
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path.split('/'));
        }
        url.to_string()
    }

    /// Asks for something small.
    async fn ask(&self, request: hyper::http::request::Builder) -> Result<StatusCode, Failure> {
        let asking = self.send(request, Either::Right(Empty::new()));
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(status) => status,
            Err(_) => Err(Failure::Trouble(Trouble::Slow)),
        }
    }

    async fn send(&self, request: hyper::http::request::Builder, body: Body) -> Result<StatusCode, Failure> {
        let mut request = request
            .body(body)
            .map_err(|e| told("the request makes no sense", e))?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let answer = http::send(request).await;
        let answer =
            answer.map_err(|e| Failure::Told(Error::failed("the server cannot be asked").because(e)))?;
        Ok(answer.status())
    }

    /// Makes the directories that an object lies in. That one is there already is no error.
    async fn make_directories(&self, path: &str) -> Result<(), Failure> {
        let method = Method::from_bytes(b"MKCOL").map_err(|e| told("MKCOL is no method", e))?;
        for (at, _) in path.match_indices('/') {
            let request = Request::builder()
                .method(method.clone())
                .uri(self.url(&path[..at]) + "/");
            let status = self.ask(request).await?;
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Err(refused("MKCOL", status));
            }
        }
        Ok(())
    }

    /// Streams what comes into an object; its length is told where it is known. What fails leaves nothing there, as far as
    /// the server lets it be removed.
    pub(super) async fn put(
        &self,
        path: &str,
        messages: mpsc::Receiver<Message>,
        length: Option<u64>,
    ) -> Result<(), Failure> {
        self.make_directories(path).await?;
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut temporary = directory.to_string();
        let _ = write!(temporary, "/.{name}.pgstow-tmp");
        let temporary = temporary.trim_start_matches('/').to_string();
        let put = match self.stream(&temporary, messages, length).await {
            Ok(()) => self.rename(&temporary, path).await,
            Err(e) => Err(e),
        };
        if put.is_err() {
            // Why it failed is worth more than that this fails, too.
            let removing = self.ask(Request::delete(self.url(&temporary)));
            let _ = tokio::time::timeout(REMOVAL, removing).await;
        }
        put
    }

    /// Streams what comes into an object of a temporary name.
    async fn stream(
        &self,
        temporary: &str,
        mut messages: mpsc::Receiver<Message>,
        length: Option<u64>,
    ) -> Result<(), Failure> {
        let mut ended = false;
        let way = Arc::new(Way::default());
        let told_way = Arc::clone(&way);
        let parts: Parts = Box::pin(futures_util::stream::poll_fn(move |context| {
            if ended {
                return std::task::Poll::Ready(None);
            }
            let message = messages.poll_recv(context);
            told_way.note(message.is_pending());
            message.map(|message| match message {
                Some(Message::Part(part)) => Some(Ok(Frame::data(part))),
                Some(Message::End) => {
                    ended = true;
                    None
                }
                // Without its end the request fails, and the server throws away what it has.
                None => Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
            })
        }));
        let mut request = Request::put(self.url(temporary));
        if let Some(length) = length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let putting = self.send(request, Either::Left(StreamBody::new(parts)));
        tokio::pin!(putting);
        let status = loop {
            let before = way.taken();
            tokio::select! {
                status = &mut putting => break status?,
                () = tokio::time::sleep(PATIENCE) => if way.is_stuck(before) {
                    return Err(Failure::Trouble(Trouble::Slow));
                },
            }
        };
        match status.is_success() {
            true => Ok(()),
            false => Err(refused("PUT", status)),
        }
    }

    /// Gives an object its final name, replacing another of that name.
    async fn rename(&self, temporary: &str, path: &str) -> Result<(), Failure> {
        let method = Method::from_bytes(b"MOVE").map_err(|e| told("MOVE is no method", e))?;
        let request = Request::builder()
            .method(method)
            .uri(self.url(temporary))
            .header("destination", self.url(path))
            .header("overwrite", "T");
        match self.ask(request).await? {
            status if status.is_success() => Ok(()),
            status => Err(refused("MOVE", status)),
        }
    }
}

/// How an upload goes on: a server that takes nothing more must not keep us for ever, a dump that gives nothing may.
#[derive(Default)]
struct Way {
    /// Times that a part was asked for.
    taken: AtomicU64,
    /// Whether the connection waits for a part.
    hungry: AtomicBool,
}

impl Way {
    fn note(&self, hungry: bool) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.hungry.store(hungry, Ordering::Relaxed);
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn is_stuck(&self, before: u64) -> bool {
        self.taken() == before && !self.hungry.load(Ordering::Relaxed)
    }
}

fn told(what: &str, e: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Told(Error::failed(what).because(e))
}

fn refused(method: &str, status: StatusCode) -> Failure {
    let error = Error::failed(format!(
        "the server answered {method} with {status}, expected success"
    ));
    Failure::Told(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            error.hint("User and password stand in the URL: https://user:password@host/path.")
        }
        _ => error,
    })
}
