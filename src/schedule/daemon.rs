//! The loop that waits, runs, and tries again: it never runs two at once, catches up what was missed once, and after a
//! failure tries again with growing pauses until the next run is due anyway.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Schedule;
use super::next::ADJUSTMENT;
use crate::event::{Event, Observer};
use crate::{Error, Result};

/// The wall clock is looked at this often: a timer does not run while the machine sleeps, nor see the clock being set.
const LOOK: Duration = Duration::from_secs(20);
/// The pause after a first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(5);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// What the daemon is at, for whoever watches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// When the next run is due.
    pub next: Option<DateTime<Utc>>,
    /// Whether one is under way.
    pub running: bool,
}

/// What the daemon follows.
pub struct Daemon {
    /// When to run.
    pub schedule: Schedule,
    /// Run once at the start, whatever the schedule says.
    pub on_start: bool,
    /// When the last run before this daemon began, if one is known; a run missed since then is caught up.
    pub last: Option<DateTime<Utc>>,
    /// Notified when a run is wanted now.
    pub now: Arc<Notify>,
    /// Cancelled when the daemon shall end.
    pub cancel: CancellationToken,
    /// Told when the next run is due.
    pub observer: Arc<dyn Observer>,
    /// Where it says what it is at.
    pub moment: watch::Sender<Moment>,
}

impl Daemon {
    /// Runs `job` whenever it is due until cancelled. The job is told whether it is tried again after a failure, says
    /// whether it succeeded, and must itself end soon when cancelled. An error means that a run was cut off.
    pub async fn run(self, job: impl AsyncFn(bool) -> bool) -> Result<()> {
        let mut plan = Plan::new(self.schedule.clone(), self.last, self.on_start, Utc::now());
        let mut announced = None;
        loop {
            let now = Utc::now();
            let (due, mut why) = plan.due(now);
            self.moment.send_replace(Moment {
                next: Some(due),
                running: due <= now,
            });
            if due > now {
                if announced != Some(due) {
                    self.observer.event(Event::Info(self.announcement(due, why)));
                    announced = Some(due);
                }
                let pause = (due - now).to_std().unwrap_or_default().min(LOOK);
                tokio::select! {
                    biased;
                    () = self.cancel.cancelled() => return Ok(()),
                    () = self.now.notified() => {
                        self.observer.event(Event::Info("running now, as asked".into()));
                        why = Why::Asked;
                    }
                    () = tokio::time::sleep(pause) => continue,
                }
            } else if why == Why::Missed {
                let missed = self.local(due);
                let text = format!("the backup due at {missed} was missed: making up for it now");
                self.observer.event(Event::Warning(text));
            }
            self.moment.send_modify(|moment| moment.running = true);
            plan.began(Utc::now());
            let succeeded = job(why == Why::Retry).await;
            if self.cancel.is_cancelled() {
                // A run that finished in spite of it was not cut off.
                return if succeeded {
                    Ok(())
                } else {
                    Err(Error::interrupted())
                };
            }
            plan.ended(Utc::now(), succeeded);
        }
    }

    fn local(&self, time: DateTime<Utc>) -> String {
        let local = time.with_timezone(&self.schedule.zone());
        local.format("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    fn announcement(&self, due: DateTime<Utc>, why: Why) -> String {
        match why {
            Why::Retry => format!("trying again at {}", self.local(due)),
            _ => format!("next backup at {}", self.local(due)),
        }
    }
}

/// Why a run is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Start,
    Scheduled,
    /// Its time has passed without a run.
    Missed,
    Retry,
    Asked,
}

/// What has been and what comes: no clock, no waiting.
struct Plan {
    schedule: Schedule,
    /// When the last run began; the daemon's start before the first one.
    last: DateTime<Utc>,
    at_start: bool,
    failures: u32,
    retry: Option<DateTime<Utc>>,
}

impl Plan {
    fn new(schedule: Schedule, last: Option<DateTime<Utc>>, on_start: bool, now: DateTime<Utc>) -> Plan {
        Plan {
            schedule,
            last: last.unwrap_or(now),
            at_start: on_start,
            failures: 0,
            retry: None,
        }
    }

    /// When the next run is due, and why. Times that only a clock far ahead can have given are brought back to now, once.
    fn due(&mut self, now: DateTime<Utc>) -> (DateTime<Utc>, Why) {
        if self.last > now + ADJUSTMENT {
            self.last = now;
        }
        self.retry = self.retry.map(|retry| retry.min(now + LONGEST_PAUSE));
        if self.at_start {
            return (now, Why::Start);
        }
        let scheduled = self.schedule.due(self.last, now);
        match self.retry {
            Some(retry) if retry < scheduled => (retry, Why::Retry),
            _ if scheduled < now - TimeDelta::from_std(LOOK * 3).unwrap_or_default() => {
                (scheduled, Why::Missed)
            }
            _ => (scheduled, Why::Scheduled),
        }
    }

    fn began(&mut self, now: DateTime<Utc>) {
        self.at_start = false;
        self.last = now;
        self.retry = None;
    }

    fn ended(&mut self, now: DateTime<Utc>, succeeded: bool) {
        if succeeded {
            self.failures = 0;
            return;
        }
        let doubled = 2i32
            .checked_pow(self.failures)
            .and_then(|n| FIRST_PAUSE.checked_mul(n));
        self.retry = Some(now + doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE));
        self.failures += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn plan(on_start: bool, last: Option<&str>, now: &str) -> Plan {
        let schedule = Schedule::parse("0 3 * * *", chrono_tz::UTC).unwrap();
        Plan::new(schedule, last.map(utc), on_start, utc(now))
    }

    #[test]
    fn the_first_backup_is_made_at_the_start_and_the_next_when_it_is_due() {
        let mut plan = plan(true, None, "2026-11-23T12:00:00Z");
        let now = utc("2026-11-23T12:00:00Z");
        assert_eq!(plan.due(now), (now, Why::Start));
        plan.began(now);
        plan.ended(utc("2026-11-23T12:01:00Z"), true);
        assert_eq!(
            plan.due(utc("2026-11-23T12:01:00Z")),
            (utc("2026-11-24T03:00:00Z"), Why::Scheduled)
        );
    }

    #[test]
    fn a_run_missed_while_the_daemon_was_down_is_made_up_for() {
        let mut plan = plan(false, Some("2026-11-21T03:00:00Z"), "2026-11-23T12:00:00Z");
        let (due, why) = plan.due(utc("2026-11-23T12:00:00Z"));
        assert_eq!((due, why), (utc("2026-11-22T03:00:00Z"), Why::Missed));
    }

    #[test]
    fn a_server_that_is_away_is_tried_with_growing_pauses_until_the_next_run() {
        let mut plan = plan(true, None, "2026-11-23T00:00:00Z");
        let mut now = utc("2026-11-23T00:00:00Z");
        let mut pauses = Vec::new();
        loop {
            plan.began(now);
            plan.ended(now, false);
            let (due, why) = plan.due(now);
            if why != Why::Retry {
                assert_eq!((due, why), (utc("2026-11-23T03:00:00Z"), Why::Scheduled));
                break;
            }
            pauses.push((due - now).num_seconds());
            now = due;
        }
        assert_eq!(pauses[..9], [5, 10, 20, 40, 80, 160, 320, 640, 900]);
        assert!(pauses[9..].iter().all(|&p| p == 900));
        // Once it is back, the pauses begin anew.
        plan.began(utc("2026-11-23T03:00:00Z"));
        plan.ended(utc("2026-11-23T03:00:09Z"), true);
        plan.began(utc("2026-11-24T03:00:00Z"));
        plan.ended(utc("2026-11-24T03:00:00Z"), false);
        let now = utc("2026-11-24T03:00:00Z");
        assert_eq!(plan.due(now), (utc("2026-11-24T03:00:05Z"), Why::Retry));
    }

    #[test]
    fn a_clock_put_back_during_a_retry_does_not_stop_the_retries() {
        let mut plan = plan(true, None, "2026-11-23T12:00:00Z");
        plan.began(utc("2026-11-23T12:00:00Z"));
        plan.ended(utc("2026-11-23T12:00:00Z"), false);
        let now = utc("2026-11-23T11:30:00Z");
        assert!(plan.due(now).0 <= now + LONGEST_PAUSE);
    }

    #[test]
    fn a_last_run_in_the_future_does_not_put_the_next_one_off_for_ever() {
        let mut plan = plan(false, Some("2031-01-01T03:00:00Z"), "2026-11-23T12:00:00Z");
        let tomorrow = utc("2026-11-24T03:00:00Z");
        for now in [
            "2026-11-23T12:00:00Z",
            "2026-11-24T02:59:50Z",
            "2026-11-24T03:00:10Z",
        ] {
            assert_eq!(plan.due(utc(now)), (tomorrow, Why::Scheduled), "{now}");
        }
    }

    #[test]
    fn a_retry_set_by_a_clock_that_was_ahead_comes_all_the_same() {
        let mut plan = plan(true, None, "2026-11-23T12:00:00Z");
        plan.began(utc("2026-11-23T12:00:00Z"));
        plan.ended(utc("2027-11-23T12:00:00Z"), false);
        let (due, why) = plan.due(utc("2026-11-23T12:00:00Z"));
        assert_eq!((due, why), (utc("2026-11-23T12:15:00Z"), Why::Retry));
        assert_eq!(plan.due(utc("2026-11-23T12:15:10Z")), (due, why));
    }

    #[tokio::test]
    async fn it_runs_at_the_start_and_when_asked_and_ends_when_cancelled() {
        let runs = std::cell::Cell::new(0);
        let now = Arc::new(Notify::new());
        let cancel = CancellationToken::new();
        let daemon = Daemon {
            schedule: Schedule::parse("0 0 29 2 *", chrono_tz::UTC).unwrap(),
            on_start: true,
            last: None,
            now: Arc::clone(&now),
            cancel: cancel.clone(),
            observer: Arc::new(crate::event::Silent),
            moment: watch::Sender::default(),
        };
        let job = async |_| {
            runs.set(runs.get() + 1);
            match runs.get() {
                1 => now.notify_one(),
                _ => {
                    let cancel = cancel.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        cancel.cancel();
                    });
                }
            }
            true
        };
        daemon.run(job).await.unwrap();
        assert_eq!(runs.get(), 2);
    }
}
