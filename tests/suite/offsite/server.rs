//! A real S3-compatible server (`s3s` on a directory), which can be told to have bad moments.
//!
//! Google's XML interface is S3's with headers of another name, and a token in the place of a signature: the same server,
//! asking for no signature, takes what is meant for Google.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

pub const ACCESS_KEY: &str = "AKIDTEST";
pub const SECRET_KEY: &str = "very-secret-key";
pub const BUCKET: &str = "backups";

/// What the server was told and asked.
#[derive(Default)]
pub struct Moments {
    /// Every so many requests is answered with 503; 0: none.
    pub unavailable: AtomicUsize,
    /// Uploads (PUT) are refused altogether.
    pub full: AtomicUsize,
    /// Objects are given back with a byte changed.
    pub corrupt: AtomicUsize,
    /// Objects are neither given back nor copied.
    pub unreadable: AtomicUsize,
    /// Objects are given back slowly: each range takes so many milliseconds.
    pub slow: AtomicUsize,
    requests: AtomicUsize,
    /// Parts of multipart uploads that arrived.
    pub parts: AtomicUsize,
    /// Multipart uploads that were given up.
    pub aborted: AtomicUsize,
    /// Bytes in requests' bodies, as their headers say.
    pub received: AtomicUsize,
}

pub struct S3 {
    address: SocketAddr,
    root: tempfile::TempDir,
    pub moments: Arc<Moments>,
    _runtime: tokio::runtime::Runtime,
}

impl S3 {
    pub fn start() -> S3 {
        S3::start_with(Some(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY)))
    }

    /// One that asks nobody who they are.
    pub fn start_open() -> S3 {
        S3::start_with(None)
    }

    fn start_with(auth: Option<SimpleAuth>) -> S3 {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        if let Some(auth) = auth {
            builder.set_auth(auth);
        }
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let moments = Arc::new(Moments::default());
        let told = Arc::clone(&moments);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (service, told) = (service.clone(), Arc::clone(&told));
                let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&told), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        S3 {
            address,
            root,
            moments,
            _runtime: runtime,
        }
    }

    /// Tells a program where the server is, and with which keys.
    pub fn env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.settings())
    }

    /// The variables that say so.
    pub fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_string()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_string()),
            ("AWS_ENDPOINT_URL", self.url()),
        ]
    }

    /// The server's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The files of objects below a prefix of the bucket, sorted.
    pub fn objects(&self, prefix: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.root.path().join(BUCKET).join(prefix)];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => directories.push(path),
                    false => found.push(path),
                }
            }
        }
        found.sort();
        found
    }

    /// Files of uploads that have not ended.
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.path()).unwrap();
        let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        found.retain(|path| path.is_file() && path.to_string_lossy().contains("upload_id"));
        found
    }
}

async fn answer(
    service: S3Service,
    moments: Arc<Moments>,
    mut request: Request<Incoming>,
) -> Result<Response<s3s::Body>, s3s::HttpError> {
    let headers = request.headers_mut();
    if let Some(source) = headers.remove("x-goog-copy-source") {
        headers.insert("x-amz-copy-source", source);
    }
    if headers
        .get("authorization")
        .is_some_and(|token| token.as_bytes().starts_with(b"Bearer"))
    {
        headers.remove("authorization");
    }
    let number = moments.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let every = moments.unavailable.load(Ordering::SeqCst);
    let writes = request.method() == Method::PUT || request.method() == Method::POST;
    let query = request.uri().query().unwrap_or_default().to_string();
    let length = request.headers().get("content-length");
    let length: usize = length.and_then(|l| l.to_str().ok()?.parse().ok()).unwrap_or(0);
    let reads = request.method() == Method::GET && request.headers().contains_key("range");
    let copies = request.headers().contains_key("x-amz-copy-source");
    let refusal = match () {
        () if (reads || copies) && moments.unreadable.load(Ordering::SeqCst) > 0 => {
            Some(StatusCode::FORBIDDEN)
        }
        () if every > 0 && number.is_multiple_of(every) => Some(StatusCode::SERVICE_UNAVAILABLE),
        () if writes && moments.full.load(Ordering::SeqCst) > 0 => Some(StatusCode::FORBIDDEN),
        () => None,
    };
    if let Some(status) = refusal {
        let mut response = Response::new(s3s::Body::from(String::new()));
        *response.status_mut() = status;
        return Ok(response);
    }
    if query.contains("partNumber=") {
        moments.parts.fetch_add(1, Ordering::SeqCst);
    }
    if query.contains("uploadId=") && request.method() == Method::DELETE {
        moments.aborted.fetch_add(1, Ordering::SeqCst);
    }
    moments.received.fetch_add(length, Ordering::SeqCst);
    let pause = moments.slow.load(Ordering::SeqCst);
    if reads && pause > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(pause as u64)).await;
    }
    let response = service.call(request.map(s3s::Body::from)).await?;
    if !reads || moments.corrupt.load(Ordering::SeqCst) == 0 {
        return Ok(response);
    }
    let (head, body) = response.into_parts();
    let mut bytes = body.collect().await.unwrap().to_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Ok(Response::from_parts(head, s3s::Body::from(bytes)))
}
