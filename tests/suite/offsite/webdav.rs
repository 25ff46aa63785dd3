//! A WebDAV server (`dav-server` on a directory) that asks for a password.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dav_server::DavHandler;
use dav_server::body::Body;
use dav_server::fakels::FakeLs;
use dav_server::localfs::LocalFs;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{DIGEST, Places, filled, name, same};
use crate::support;

pub(super) struct WebDav {
    port: u16,
    root: tempfile::TempDir,
    /// Renaming is refused.
    refusing: Arc<AtomicBool>,
    _runtime: tokio::runtime::Runtime,
}

/// `me:se/cret`, as it stands in the header.
const AUTHORIZATION: &str = "Basic bWU6c2UvY3JldA==";

impl WebDav {
    pub(super) fn start() -> WebDav {
        let root = tempfile::tempdir().unwrap();
        let handler = DavHandler::builder()
            .filesystem(LocalFs::new(root.path(), false, false, false))
            .locksystem(FakeLs::new())
            .build_handler();
        let handler = Arc::new(handler);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusing = Arc::new(AtomicBool::new(false));
        let refuses = Arc::clone(&refusing);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (handler, refuses) = (Arc::clone(&handler), Arc::clone(&refuses));
                let answer = service_fn(move |request: Request<Incoming>| {
                    let refused = request.method().as_str() == "MOVE" && refuses.load(Ordering::SeqCst);
                    answer(Arc::clone(&handler), request, refused)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        WebDav {
            port,
            root,
            refusing,
            _runtime: runtime,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn files(&self, directory: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.root.path().join(directory))
            .into_iter()
            .flatten();
        let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        files.sort();
        files
    }
}

async fn answer(
    handler: Arc<DavHandler>,
    request: Request<Incoming>,
    refused: bool,
) -> Result<Response<Body>, std::convert::Infallible> {
    let given = request
        .headers()
        .get("authorization")
        .and_then(|a| a.to_str().ok());
    let refusal = match given {
        Some(AUTHORIZATION) if !refused => None,
        Some(AUTHORIZATION) => Some(StatusCode::METHOD_NOT_ALLOWED),
        _ => Some(StatusCode::UNAUTHORIZED),
    };
    if let Some(status) = refusal {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        return Ok(response);
    }
    Ok(handler.handle(request).await)
}

#[test]
fn a_webdav_server_gets_whole_files_by_their_names_and_gives_them_back() {
    let server = support::server(support::newest());
    let db = filled(server, 100_000);
    let places = Places::new();
    let dav = WebDav::start();
    let url = format!("http://me:se%2Fcret@127.0.0.1:{}/team/backups", dav.port);
    let run = |args: &[&str]| support::run(places.pgstow(&db, args).env("OFFSITE_URL", &url));
    let done = run(&["backup"]).ok();
    assert!(
        !done.stderr.contains("cret"),
        "the password is in the log: {done}"
    );
    let here = places.here()[0].clone();
    let [there] = &dav.files("team/backups/daily")[..] else {
        panic!("{:?}: {done}", dav.files("team/backups/daily"));
    };
    assert_eq!(name(&here), name(there));
    assert!(same(&here, there));
    let list = run(&["list", "--offsite"]).ok();
    assert!(
        list.stdout.contains("verified") && !list.stdout.contains("cret"),
        "{list}"
    );
    let old = there.with_file_name(format!("{}_2020-01-01_03-00-00.sql.gz", db.name()));
    std::fs::copy(there, &old).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let done = run(&["backup", "--to", &url]).ok();
    assert_eq!(dav.files("team/backups/daily").len(), 2, "{done}");
    assert!(!old.exists(), "{done}");
    let copy = server.database("dav_copy");
    let mut restore = places.pgstow(&copy, &["restore", "--yes", "--from", "offsite", &name(there)]);
    support::run(restore.env("OFFSITE_URL", &url)).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));

    let wrong = url.replace("se%2Fcret", "guess");
    let done = support::run(places.pgstow(&db, &["backup"]).env("OFFSITE_URL", &wrong));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("401") && !done.stderr.contains("guess"),
        "{done}"
    );
}

#[test]
fn a_webdav_server_that_cannot_rename_is_told_and_keeps_nothing_of_the_upload() {
    let server = support::server(support::newest());
    let db = filled(server, 100);
    let places = Places::new();
    let dav = WebDav::start();
    dav.refusing.store(true, Ordering::SeqCst);
    let url = format!("http://me:se%2Fcret@127.0.0.1:{}/team", dav.port);
    let done = support::run(places.pgstow(&db, &["backup"]).env("OFFSITE_URL", &url));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("answered MOVE with 405"), "{done}");
    assert_eq!(dav.files("team/daily"), [] as [PathBuf; 0], "{done}");
    assert_eq!(
        places.here().len(),
        1 + usize::from(done.stderr.contains("weekly copy")),
        "{done}"
    );
}
