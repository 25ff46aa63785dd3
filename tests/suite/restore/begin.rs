//! A restore has its transaction before it has anything else.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::relay::patient_relay;
use crate::support::{self, pgstow, run_with_input};

/// Were a BEGIN cancelled with statements under way behind it, each of those would commit by itself.
#[test]
fn nothing_follows_the_begin_before_it_is_answered() {
    let server = support::server(support::newest());
    let db = server.database("restore_begin");
    let (tell, heard) = mpsc::channel();
    let tell = Mutex::new(tell);
    let uri = patient_relay(
        &db,
        b"BEGIN;",
        Arc::new(move |asks, to_server, at_once| {
            let mut buffer = vec![0; 1 << 16];
            asks.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let more = asks.read(&mut buffer).unwrap_or(0);
            asks.set_read_timeout(None).unwrap();
            to_server.write_all(&buffer[..more]).unwrap();
            tell.lock().unwrap().send(at_once + more).unwrap();
        }),
    );
    run_with_input(
        pgstow().args(["restore", "--yes", "--dbname", &uri, "-"]),
        b"CREATE TABLE t (a int);\nCREATE TABLE u (a int);\nCOPY public.t FROM stdin;\n1\n\\.\n",
    )
    .ok();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [0]);
    assert_eq!(db.query_text("SELECT a FROM t"), "1");
}
