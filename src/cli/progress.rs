//! How far the work is: on a terminal one line that is drawn over itself, in a log a line every ten seconds.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::event::{Event, Phase};
use crate::human;

/// How often a terminal's line is drawn, and how often a log gets one.
const REDRAW: Duration = Duration::from_millis(100);
const LOG: Duration = Duration::from_secs(10);

/// Whether the terminal's last line is a progress line. Whatever else is written to the terminal wipes it first.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Wipes the progress line, if there is one.
pub fn wipe() {
    if DRAWN.swap(false, Ordering::SeqCst) {
        // Without a terminal any more, there is nothing to wipe.
        let _ = io::stderr().write_all(b"\r\x1b[2K");
    }
}

/// Standard error, for log lines.
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wipe();
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// Nowhere.
    Off,
    /// Over itself, on a terminal.
    Line,
    /// Into the log.
    Log,
}

impl Display {
    /// What standard error is good for.
    pub fn of_stderr(options: &super::Global) -> Display {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        match options.quiet {
            true => Display::Off,
            false if options.log_format == super::log::Format::Json || dumb => Display::Log,
            false if io::stderr().is_terminal() => Display::Line,
            false => Display::Log,
        }
    }
}

/// What has been done of a phase.
#[derive(Debug)]
pub struct Progress {
    display: Display,
    phase: Option<Phase>,
    began: Instant,
    shown: Instant,
    /// Whether the totals were told after anything moved, so that they are those of the coming phase.
    totals_are_new: bool,
    total_tables: u64,
    total_bytes: u64,
    tables: u64,
    rows: u64,
    bytes: u64,
}

impl Progress {
    /// Nothing yet.
    pub fn new(display: Display) -> Progress {
        let now = Instant::now();
        Progress {
            display,
            phase: None,
            began: now,
            shown: now,
            totals_are_new: false,
            total_tables: 0,
            total_bytes: 0,
            tables: 0,
            rows: 0,
            bytes: 0,
        }
    }

    /// Takes an event; gives a line for the log when one is due.
    pub fn take(&mut self, event: &Event, now: Instant) -> Option<String> {
        match event {
            Event::Phase(phase) => {
                wipe();
                let totals = match self.totals_are_new {
                    true => (self.total_tables, self.total_bytes),
                    false => (0, 0),
                };
                *self = Progress::new(self.display);
                (self.total_tables, self.total_bytes) = totals;
                (self.phase, self.began, self.shown) = (Some(*phase), now, now);
                None
            }
            Event::Total { tables, bytes } => {
                (self.total_tables, self.total_bytes, self.totals_are_new) = (*tables, *bytes, true);
                None
            }
            Event::Moved { rows, bytes } => {
                self.rows += rows;
                self.bytes += bytes;
                self.totals_are_new = false;
                self.show(now)
            }
            Event::Table { .. } => {
                self.tables += 1;
                self.show(now)
            }
            _ => None,
        }
    }

    fn show(&mut self, now: Instant) -> Option<String> {
        let every = match self.display {
            Display::Off => return None,
            Display::Line => REDRAW,
            Display::Log => LOG,
        };
        if now.duration_since(self.shown) < every {
            return None;
        }
        self.shown = now;
        let text = self.text(now.duration_since(self.began))?;
        if self.display == Display::Log {
            return Some(text);
        }
        DRAWN.store(true, Ordering::SeqCst);
        // The terminal is told not to break a line that is too long for it: only the last one can be wiped.
        let _ = write!(io::stderr(), "\r\x1b[2K\x1b[?7l{text}\x1b[?7h");
        None
    }

    /// The state in a line of text.
    fn text(&self, spent: Duration) -> Option<String> {
        let doing = match self.phase? {
            Phase::Connect => "connecting",
            Phase::Introspect => "reading the catalog",
            Phase::Dump => "dumping",
            Phase::Verify => "verifying",
            Phase::Restore => "restoring",
            Phase::Upload => "uploading",
        };
        let mut parts = Vec::new();
        if self.total_tables > 0 {
            let (done, of) = (
                human::count(self.tables),
                human::number_of(self.total_tables, "table"),
            );
            parts.push(format!("{done} of {of}"));
        }
        if self.rows > 0 {
            parts.push(human::number_of(self.rows, "row"));
        }
        // The total of a dump is the server's estimate, which may be too small.
        let bytes = self.bytes.min(self.total_bytes.max(1));
        if self.total_bytes > 0 {
            let (done, of) = (human::bytes(bytes), human::bytes(self.total_bytes));
            parts.push(format!("{done} of {of}"));
        } else if self.bytes > 0 {
            parts.push(human::bytes(self.bytes));
        }
        let seconds = spent.as_secs_f64();
        if seconds > 1.0 && self.bytes > 0 {
            parts.push(format!(
                "{}/s",
                human::bytes((self.bytes as f64 / seconds) as u64)
            ));
        }
        if seconds > 3.0 && self.total_bytes > 0 && bytes > 0 {
            let left = seconds * (self.total_bytes - bytes) as f64 / bytes as f64;
            parts.push(format!(
                "{} left",
                human::duration(TimeDelta::seconds(left as i64))
            ));
        }
        (!parts.is_empty()).then(|| format!("{doing}: {}", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: &[Event], seconds: u64) -> Option<String> {
        let mut progress = Progress::new(Display::Log);
        let now = Instant::now();
        for event in events {
            progress.take(event, now);
        }
        let last = Event::Moved { rows: 0, bytes: 0 };
        progress.take(&last, now + Duration::from_secs(seconds))
    }

    #[test]
    fn a_log_gets_a_line_every_ten_seconds_with_rate_and_time_left() {
        let table = Event::Table {
            schema: "public".into(),
            name: "t".into(),
            rows: 1,
            bytes: 1,
        };
        let events = [
            Event::Phase(Phase::Dump),
            Event::Total {
                tables: 12,
                bytes: 4_000_000_000,
            },
            Event::Moved {
                rows: 1_234_567,
                bytes: 1_000_000_000,
            },
            table,
        ];
        assert_eq!(
            after(&events, 10).unwrap(),
            "dumping: 1 of 12 tables, 1,234,567 rows, 1.00 GB of 4.00 GB, 100 MB/s, 30 s left"
        );
        assert_eq!(after(&events, 9), None);
    }

    #[test]
    fn a_total_told_before_its_phase_counts_and_an_earlier_phase_s_does_not() {
        let total = Event::Total {
            tables: 0,
            bytes: 100,
        };
        let moved = Event::Moved { rows: 0, bytes: 50 };
        let restore = [total.clone(), Event::Phase(Phase::Restore), moved.clone()];
        assert_eq!(
            after(&restore, 20).unwrap(),
            "restoring: 50 B of 100 B, 2 B/s, 20 s left"
        );
        let next = [
            Event::Phase(Phase::Dump),
            total,
            moved,
            Event::Phase(Phase::Verify),
        ];
        assert_eq!(after(&next, 20), None);
    }

    #[test]
    fn an_estimate_that_was_too_small_never_shows_more_than_everything() {
        let events = [
            Event::Phase(Phase::Dump),
            Event::Total {
                tables: 0,
                bytes: 100,
            },
            Event::Moved { rows: 0, bytes: 400 },
        ];
        assert_eq!(
            after(&events, 20).unwrap(),
            "dumping: 100 B of 100 B, 20 B/s, 0.0 s left"
        );
    }
}
