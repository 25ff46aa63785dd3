//! A relay to the server that keeps its answer to a statement for a moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::Db;

/// The client's side, the server's side, and how many bytes the client sent at once after the statement.
pub type Meanwhile = dyn Fn(&mut TcpStream, &mut TcpStream, usize) + Send + Sync;

/// Where to connect to a database instead, so that `meanwhile` happens whenever the server has been sent a statement with
/// these bytes in it, and before anything that it says is passed on.
pub fn patient_relay(db: &Db, statement: &'static [u8], meanwhile: Arc<Meanwhile>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = db.cluster().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let meanwhile = Arc::clone(&meanwhile);
            std::thread::spawn(move || relay(client, server, statement, &*meanwhile));
        }
    });
    let uri = format!("{}?sslmode=disable", db.uri());
    let relayed = uri.replace(&format!(":{server}/"), &format!(":{port}/"));
    assert_ne!(relayed, uri);
    relayed
}

fn relay(client: TcpStream, server: TcpStream, statement: &[u8], meanwhile: &Meanwhile) {
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
        if let Some(at) = memchr::memmem::find(&buffer[..n], statement) {
            let _closed = may_answer.lock().unwrap();
            let end = at + memchr::memchr(0, &buffer[at..n]).unwrap() + 1;
            to_server.write_all(&buffer[..n]).unwrap();
            meanwhile(&mut asks, &mut to_server, n - end);
        } else if to_server.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to_server.shutdown(Shutdown::Write);
}
