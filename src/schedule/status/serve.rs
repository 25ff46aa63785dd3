//! The port that answers: `/healthz`, `/metrics`, `/`. It only tells; nothing can be done through it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Scope, Status, metrics, page};
use crate::error::Kind;
use crate::schedule::daemon::Moment;
use crate::{Error, Result};

/// Who has not sent a request by then is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on an address and answers until dropped. An address that cannot be had is an error at once.
pub async fn serve(
    address: &str,
    scope: Scope,
    moment: watch::Receiver<Moment>,
) -> Result<(SocketAddr, impl Future<Output = ()> + use<>)> {
    let cannot = |e: std::io::Error| {
        let is_usage = e.kind() == std::io::ErrorKind::InvalidInput;
        let error = Error::io(
            format!("cannot listen on {address:?}, expected an address such as 0.0.0.0:8080"),
            e,
        );
        match is_usage {
            true => error.with_kind(Kind::Usage),
            false => error.hint("HTTP_ADDR (or --http-addr) names it."),
        }
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let scope = Arc::new(scope);
    let accept = async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file descriptors, most likely: others will be closed.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let (scope, moment) = (Arc::clone(&scope), moment.clone());
            let service =
                service_fn(move |request| answer(request, Arc::clone(&scope), moment.borrow().clone()));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                // A client that went away is nobody's concern.
                let _ = connection.await;
            });
        }
    };
    Ok((bound, accept))
}

async fn answer(
    request: Request<Incoming>,
    scope: Arc<Scope>,
    moment: Moment,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_string();
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Ok(response(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "only GET\n".into(),
        ));
    }
    if !["/", "/healthz", "/metrics"].contains(&path.as_str()) {
        let text = "not found; there are /, /healthz and /metrics\n";
        return Ok(response(StatusCode::NOT_FOUND, "text/plain", text.into()));
    }
    let gathering = tokio::task::spawn_blocking(move || Status::gather(&scope, &moment));
    let status = match gathering.await {
        Ok(Ok(status)) => status,
        Ok(Err(e)) => {
            return Ok(response(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain",
                format!("{e}\n"),
            ));
        }
        Err(e) => {
            return Ok(response(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                format!("{e}\n"),
            ));
        }
    };
    Ok(match path.as_str() {
        "/metrics" => response(
            StatusCode::OK,
            "text/plain; version=0.0.4",
            metrics::render(&status),
        ),
        "/healthz" => match status.ailments() {
            list if list.is_empty() => response(StatusCode::OK, "text/plain", "healthy\n".into()),
            list => response(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain",
                list.join("\n") + "\n",
            ),
        },
        _ => response(StatusCode::OK, "text/html; charset=utf-8", page::render(&status)),
    })
}

fn response(code: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static(kind));
    headers.insert(
        "cache-control",
        hyper::header::HeaderValue::from_static("no-store"),
    );
    headers.insert(
        "content-security-policy",
        hyper::header::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}
