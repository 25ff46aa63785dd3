//! The HTTP client of the backends: one connection a request. Requests move megabytes, so a handshake each costs little,
//! and no second TLS library comes along.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, HeaderValue};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};

use crate::http::{self, CannotConnect, Failure};

/// How long an answer may take to begin, the request having been sent: a part over a slow line.
const PATIENCE: Duration = Duration::from_secs(300);

/// Makes clients that send an authorization, if there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Connector(Option<HeaderValue>);

impl Connector {
    pub(super) fn with(authorization: Option<HeaderValue>) -> Connector {
        Connector(authorization)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(authorization) = &self.0 {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        match tokio::time::timeout(PATIENCE, http::send(request)).await {
            Ok(Ok(answer)) => Ok(answer.map(|body| {
                HttpResponseBody::new(body.map_err(|e| HttpError::new(HttpErrorKind::Interrupted, e)))
            })),
            Ok(Err(e)) => Err(HttpError::new_boxed(kind(&e), e)),
            Err(late) => Err(HttpError::new(HttpErrorKind::Timeout, late)),
        }
    }
}

/// What kind of failure it is, which decides whether the request is tried again.
fn kind(e: &Failure) -> HttpErrorKind {
    if e.is::<CannotConnect>() {
        return HttpErrorKind::Connect;
    }
    match e.downcast_ref::<hyper::Error>() {
        Some(e) if e.is_closed() || e.is_incomplete_message() || e.is_body_write_aborted() => {
            HttpErrorKind::Request
        }
        _ => HttpErrorKind::Interrupted,
    }
}
