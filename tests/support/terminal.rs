//! A terminal made for the purpose, so that a test can answer questions as a person does.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::Done;

/// A program on a terminal of its own.
pub struct Terminal {
    master: File,
    child: Child,
    heard: mpsc::Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    /// Starts this program, with its environment.
    pub fn start(program: &Command) -> Terminal {
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
        let mut command = Command::new("setsid");
        command
            .args(["--ctty", "--wait"])
            .arg(program.get_program())
            .args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command
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
    pub fn wait_for(&mut self, text: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.text.contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("the terminal never showed {text:?}, but: {}", self.text),
            }
        }
    }

    /// Types, as a person would.
    pub fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("somebody reads");
    }

    /// What was typed is shown, as a terminal does before and after a password.
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.master).expect("it is a terminal");
        modes.local_modes.contains(LocalModes::ECHO)
    }

    /// The end of the program; its output is what the terminal showed.
    pub fn wait(&mut self) -> Done {
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
