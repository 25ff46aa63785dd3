//! A restore has its transaction before it has anything else.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::support::{self, pgstow, run_with_input};

/// A relay to the server that keeps its answer to BEGIN for a moment. Gives its port, and then how many bytes the client
/// sent between its BEGIN and the answer.
fn patient_relay(server: u16) -> (u16, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let tell = tell.clone();
            std::thread::spawn(move || relay(client, server, &tell));
        }
    });
    (port, heard)
}

fn relay(client: TcpStream, server: TcpStream, tell: &mpsc::Sender<usize>) {
    let may_answer = Arc::new(Mutex::new(()));
    let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let gate = Arc::clone(&may_answer);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n @ 1..) = answers.read(&mut buffer) {
            let _open = gate.lock().unwrap();
            if to_client.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let (mut asks, mut to_server) = (client, server);
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n @ 1..) = asks.read(&mut buffer) {
        if let Some(at) = memchr::memmem::find(&buffer[..n], b"BEGIN;") {
            let _closed = may_answer.lock().unwrap();
            let end = at + memchr::memchr(0, &buffer[at..n]).unwrap() + 1;
            to_server.write_all(&buffer[..n]).unwrap();
            asks.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let more = asks.read(&mut buffer).unwrap_or(0);
            asks.set_read_timeout(None).unwrap();
            to_server.write_all(&buffer[..more]).unwrap();
            tell.send(n - end + more).unwrap();
        } else if to_server.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to_server.shutdown(Shutdown::Both);
}

/// Were a BEGIN cancelled with statements under way behind it, each of those would commit by itself.
#[test]
fn nothing_follows_the_begin_before_it_is_answered() {
    let server = support::server(support::newest());
    let db = server.database("restore_begin");
    let (port, heard) = patient_relay(server.port());
    let uri = format!("{}?sslmode=disable", db.uri())
        .replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    assert!(uri.contains(&format!(":{port}/")), "{uri}");
    run_with_input(
        pgstow().args(["restore", "--yes", "--dbname", &uri, "-"]),
        b"CREATE TABLE t (a int);\nCREATE TABLE u (a int);\nCOPY public.t FROM stdin;\n1\n\\.\n",
    )
    .ok();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [0]);
    assert_eq!(db.query_text("SELECT a FROM t"), "1");
}
