//! Asking for a password, on a terminal made for the purpose.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::ground::ground;
use crate::support::{self, Done};

/// A program on a terminal of its own.
struct Terminal {
    master: File,
    child: std::process::Child,
    heard: mpsc::Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    /// Runs `pgstow ARGS` for a role of the newest server's ground.
    fn start(args: &[&str]) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("ascii"))
            .expect("it can be opened");
        let side = || Stdio::from(slave.try_clone().expect("it can be shared"));
        let pgstow = support::pgstow();
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .arg(pgstow.get_program())
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PGPORT", ground(support::newest()).cluster.port().to_string())
            .env("PGHOST", "localhost")
            .env("PGDATABASE", "postgres")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("setsid can be run");
        let master = File::from(master);
        let mut ear = master.try_clone().expect("it can be shared");
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = ear.read(&mut buffer) {
                let _ = tell.send(buffer[..length].to_vec());
            }
        });
        Terminal {
            master,
            child,
            heard,
            text: String::new(),
        }
    }

    /// Waits until the terminal shows this.
    fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.text.contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("the terminal never showed {text:?}, but: {}", self.text),
            }
        }
    }

    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("somebody reads");
    }

    /// The end of the program; its output is what the terminal showed.
    fn end(mut self) -> Done {
        let status = self.child.wait().expect("it was started");
        while let Ok(bytes) = self.heard.recv_timeout(Duration::from_millis(200)) {
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
        Done {
            code: status.code().unwrap_or(-1),
            stdout: self.text.clone(),
            stderr: String::new(),
        }
    }
}

#[test]
fn the_password_is_asked_for_where_the_server_wants_one_and_never_shows() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("out.sql.gz");
    let mut terminal = Terminal::start(&["dump", "-U", "scrammer", "-f", path.to_str().unwrap()]);
    terminal.wait_for("Password for role scrammer at localhost:");
    terminal.type_in("right\n");
    let done = terminal.end();
    assert_eq!(done.code, 0, "{done}");
    assert!(path.exists() && !done.stdout.contains("right"), "{done}");
}

#[test]
fn a_wrong_password_from_the_prompt_is_told_as_such() {
    let mut terminal = Terminal::start(&["dump", "-U", "scrammer", "-W", "-f", "/dev/null"]);
    terminal.wait_for("Password for role scrammer");
    terminal.type_in("wrong\n");
    let done = terminal.end();
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stdout.contains("(from the prompt)"), "{done}");
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    let done = Terminal::start(&["dump", "-U", "scrammer", "-w", "-f", "/dev/null"]).end();
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stdout.contains("none is given") && !done.stdout.contains("Password for"),
        "{done}"
    );
}

#[test]
fn ctrl_c_at_the_prompt_ends_the_program_and_gives_the_terminal_back() {
    let mut terminal = Terminal::start(&["dump", "-U", "scrammer", "-W", "-f", "/dev/null"]);
    terminal.wait_for("Password for role scrammer");
    terminal.type_in("\u{3}");
    let master = terminal.master.try_clone().unwrap();
    let done = terminal.end();
    assert_eq!(done.code, 130, "{done}");
    let modes = rustix::termios::tcgetattr(&master).unwrap().local_modes;
    assert!(modes.contains(rustix::termios::LocalModes::ECHO), "{modes:?}");
}
