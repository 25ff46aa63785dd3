//! The daemon, and whom it tells.

use std::time::{Duration, Instant};

use super::{Store, name, signal, small, start, wait_until};
use crate::support::{self, Cluster, Setup};

#[test]
fn the_daemon_backs_up_at_the_start_and_on_sighup_and_ends_within_a_second() {
    use rustix::process::Signal;
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let child = start(store.pgstow(&db, &["schedule"]).env("SCHEDULE", "0 0 29 2 *"));
    wait_until("the first backup", || {
        store.daily().iter().any(|f| !name(f).starts_with('.'))
    });
    signal(&child, Signal::HUP);
    let finished = || store.daily().iter().filter(|f| !name(f).starts_with('.')).count();
    wait_until("the second backup", || finished() == 2);
    wait_until("its journal", || {
        let journal = std::fs::read_to_string(store.0.path().join(".pgstow-runs.json"));
        journal.is_ok_and(|text| text.matches("succeeded").count() == 2)
    });
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    signal(&child, Signal::TERM);
    let done = child.done();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        began.elapsed()
    );
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(
        done.stderr.matches("Backup created successfully: ").count(),
        2,
        "{done}"
    );
    assert!(
        done.stderr
            .contains("[INFO] next backup at 2028-02-29 00:00:00 UTC"),
        "{done}"
    );
    assert!(done.stderr.contains("[INFO] running now, as asked"), "{done}");
}

#[test]
fn the_daemon_is_stopped_as_process_1_of_a_container_too() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let daemon = store.pgstow(&db, &["schedule"]);
    // A process id namespace of its own; the first process in it is process 1, which has no default signal handlers.
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.arg(daemon.get_program()).args(daemon.get_args());
    command
        .env_clear()
        .envs(daemon.get_envs().filter_map(|(k, v)| Some((k, v?))));
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let child = start(&mut command);
    wait_until("the first backup", || {
        store.daily().iter().any(|f| !name(f).starts_with('.'))
    });
    wait_until("its journal", || {
        store.0.path().join(".pgstow-runs.json").exists()
    });
    std::thread::sleep(Duration::from_millis(200));
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let inside: i32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let inside = rustix::process::Pid::from_raw(inside).unwrap();
    let began = Instant::now();
    rustix::process::kill_process(inside, rustix::process::Signal::TERM).unwrap();
    let done = child.done().ok();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it took {:?}: {done}",
        began.elapsed()
    );
    assert!(done.stderr.contains("Backup created successfully: "), "{done}");
}

#[test]
fn the_daemon_outlives_a_server_that_is_away_and_tries_again() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = small(&server);
    let store = Store::new();
    server.crash();
    let child = start(&mut store.pgstow(&db, &["schedule"]));
    let journal = store.0.path().join(".pgstow-runs.json");
    wait_until("the first failure", || journal.exists());
    let health = support::run(&mut store.pgstow(&db, &["health"]));
    assert_eq!(health.code, 1, "{health}");
    server.start_again();
    wait_until("a backup", || {
        store.daily().iter().any(|f| !name(f).starts_with('.'))
    });
    signal(&child, rustix::process::Signal::TERM);
    let done = child.done();
    assert!(done.stderr.contains("[INFO] trying again at "), "{done}");
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// Status line and body of an answer.
pub(super) fn get(port: u16, path: &str) -> Option<(String, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_string(), body.to_string()))
}

#[test]
fn the_daemon_tells_its_state_over_http() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = small(&server);
    let store = Store::new();
    let port = free_port();
    server.crash();
    let child = start(
        store
            .pgstow(&db, &["schedule"])
            .env("HTTP_ADDR", format!("127.0.0.1:{port}")),
    );
    wait_until("it is ill", || {
        get(port, "/healthz").is_some_and(|(status, body)| {
            status.ends_with("503 Service Unavailable") && body.contains("no verified backup")
        })
    });
    server.start_again();
    wait_until("it is well", || {
        get(port, "/healthz").is_some_and(|(_, body)| body == "healthy\n")
    });
    support::run(
        store
            .pgstow(&db, &["verify", "--test-restore"])
            .arg(&store.daily()[0]),
    )
    .ok();
    let (_, metrics) = get(port, "/metrics").unwrap();
    for expected in [
        "pgstow_healthy 1".to_string(),
        "pgstow_next_run_timestamp_seconds 1".to_string(),
        format!("pgstow_last_backup_rows{{database=\"{}\"}} 2", db.name()),
        format!("pgstow_consecutive_failures{{database=\"{}\"}} 0", db.name()),
        format!("pgstow_last_run_success{{database=\"{}\"}} 1", db.name()),
        format!("pgstow_last_run_offsite_success{{database=\"{}\"}} 1", db.name()),
        format!("pgstow_last_test_restore_success{{database=\"{}\"}} 1", db.name()),
        format!("pgstow_last_test_restore_seconds{{database=\"{}\"}} ", db.name()),
    ] {
        assert!(metrics.contains(&expected), "{expected}: {metrics}");
    }
    let (status, page) = get(port, "/").unwrap();
    assert!(status.ends_with("200 OK"), "{status}");
    assert!(
        page.contains("Backups are in order") && page.contains("newest verified backup of its database"),
        "{page}"
    );
    assert!(page.contains("refused") && !page.contains("<script"), "{page}");
    assert!(get(port, "/etc/passwd").unwrap().0.contains("404"));
    signal(&child, rustix::process::Signal::TERM);
    child.done().ok();
}

/// A server that takes requests: path and body of each come out.
fn listen() -> (String, std::sync::mpsc::Receiver<(String, String)>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let (head, body) = loop {
                let n = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..n]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|l| l.lines().next()?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let all = String::from_utf8(request.clone()).unwrap();
                    let (head, body) = all.split_once("\r\n\r\n").unwrap();
                    break (head.to_string(), body.to_string());
                }
            };
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            let path = head.split_whitespace().nth(1).unwrap().to_string();
            if tell.send((path, body)).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

#[test]
fn others_are_told_how_a_backup_went() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let (url, requests) = listen();
    let notified = |args: &[&str]| {
        let mut command = store.pgstow(&db, args);
        command.env("WEBHOOK_URL", format!("{url}/good?token=secret"));
        command.env("WEBHOOK_ERROR_URL", format!("{url}/bad"));
        command.env("PING_URL", format!("{url}/ping/uuid"));
        support::run(&mut command)
    };
    let next = || requests.recv_timeout(Duration::from_secs(20)).unwrap();
    notified(&["backup"]).ok();
    assert_eq!(next().0, "/ping/uuid/start");
    let (path, body) = next();
    assert_eq!(path, "/good?token=secret");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["event"], &body["rows"]),
        (&"success".into(), &2.into()),
        "{body}"
    );
    assert_eq!(next().0, "/ping/uuid");

    assert_eq!(notified(&["backup", "--port", "1"]).code, 1);
    assert_eq!(next().0, "/ping/uuid/start");
    let (path, body) = next();
    assert_eq!(path, "/bad");
    assert!(body.contains("refused"), "{body}");
    let (path, body) = next();
    assert_eq!(path, "/ping/uuid/fail");
    assert!(body.contains("refused"), "{body}");
}

#[test]
fn a_service_that_cannot_be_told_fails_no_backup_and_its_secret_stays_out_of_the_log() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(
        store
            .pgstow(&db, &["backup"])
            .env("WEBHOOK_URL", "http://127.0.0.1:1/secret"),
    )
    .ok();
    assert!(done.stderr.contains("[WARN] cannot tell 127.0.0.1: "), "{done}");
    assert!(!done.stderr.contains("secret"), "{done}");
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused_at_the_start() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["schedule"]).env("SCHEDULE", "every day"));
    assert_eq!(done.code, 2, "{done}");
    assert!(
        done.stderr.contains("the schedule \"every day\" makes no sense"),
        "{done}"
    );
}
