//! When the next run is due: pure functions of the schedule, the last run and the time.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::{Error, Result};

/// A clock that goes back by more than this was wrong before; by less, it was only adjusted.
pub const ADJUSTMENT: TimeDelta = TimeDelta::hours(1);

/// When to run.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: Tz,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Box<Cron>),
    Every(TimeDelta),
}

impl Schedule {
    /// Reads a cron expression of 5 fields (6 with seconds in front), `@daily` and its kin, or `@every 6h`. A schedule
    /// that never comes is refused.
    ///
    /// In the night of a clock change, a fixed time of day still comes once: in the hour that is struck twice at its
    /// first stroke, in the hour that is left out right after it.
    pub fn parse(text: &str, zone: Tz) -> Result<Schedule> {
        let refused = |why: String| {
            Error::usage(format!("the schedule {text:?} makes no sense: {why}")).hint(
                "Expected a cron expression such as \"0 3 * * *\" (minute hour day month weekday), @hourly, @daily, \
                 @weekly, @monthly, or @every with a duration such as 6h.",
            )
        };
        let rule = match text.trim().strip_prefix("@every") {
            Some(duration) => {
                let every = parse_duration(duration.trim()).map_err(&refused)?;
                if every < TimeDelta::minutes(1) {
                    return Err(refused("it is shorter than a minute".into()));
                }
                Rule::Every(every)
            }
            None => Rule::Cron(Box::new(
                Cron::from_str(text).map_err(|e| refused(e.to_string()))?,
            )),
        };
        let schedule = Schedule {
            text: text.trim().to_string(),
            zone,
            rule,
        };
        if schedule.after(Utc::now()).is_none() {
            return Err(refused("no such time ever comes".into()));
        }
        Ok(schedule)
    }

    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone in which its hours count.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first time after `time`, which is not part of it.
    fn after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::Cron(cron) => {
                let next = cron.find_next_occurrence(&time.with_timezone(&self.zone), false);
                Some(next.ok()?.with_timezone(&Utc))
            }
            Rule::Every(every) => time.checked_add_signed(*every),
        }
    }

    /// When the next run is due, the last one having begun at `last`. A time that is not after `now` was missed (the
    /// machine slept, the last run took long): run at once, and only once for all that were missed.
    ///
    /// When the clock went far back after the last run, that run's time was wrong and no longer counts: it is taken for one
    /// of now. Who asks again later must then take it for one of that same moment, or the next run keeps moving ahead.
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let last = if last > now + ADJUSTMENT { now } else { last };
        // `parse` made sure that there is one; the end of the calendar is not our worry.
        self.after(last).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// A duration such as `90s`, `30m`, `26h`, `2d` or `1h30m`.
pub fn parse_duration(text: &str) -> Result<TimeDelta, String> {
    let wrong =
        || format!("{text:?} is not a duration; expected a number with s, m, h or d, such as 26h or 1h30m");
    let mut total = TimeDelta::zero();
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].chars().next().ok_or_else(wrong)?;
        let part = match unit {
            's' => TimeDelta::try_seconds(number),
            'm' => TimeDelta::try_minutes(number),
            'h' => TimeDelta::try_hours(number),
            'd' => TimeDelta::try_days(number),
            _ => None,
        };
        total = part.and_then(|p| total.checked_add(&p)).ok_or_else(wrong)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn schedule(text: &str, zone: &str) -> Schedule {
        Schedule::parse(text, zone.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_next_run_is_where_cron_would_have_it() {
        for (text, zone, last, want) in [
            ("0 3 * * *", "UTC", "2026-11-23T02:59:59Z", "2026-11-23T03:00:00Z"),
            ("0 3 * * *", "UTC", "2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"),
            (
                "0 3 * * *",
                "Europe/Berlin",
                "2026-11-23T03:00:00Z",
                "2026-11-24T02:00:00Z",
            ),
            (
                "0 3 * * *",
                "Asia/Kolkata",
                "2026-11-23T03:00:00Z",
                "2026-11-23T21:30:00Z",
            ),
            (
                "30 0 3 * * *",
                "UTC",
                "2026-11-23T03:00:00Z",
                "2026-11-23T03:00:30Z",
            ),
            ("0 4 * * 7", "UTC", "2026-11-23T03:00:00Z", "2026-11-29T04:00:00Z"),
            (
                "*/15 * * * *",
                "UTC",
                "2026-11-23T03:07:00Z",
                "2026-11-23T03:15:00Z",
            ),
            ("@daily", "UTC", "2026-11-23T03:07:00Z", "2026-11-24T00:00:00Z"),
            ("@every 6h", "UTC", "2026-11-23T03:07:00Z", "2026-11-23T09:07:00Z"),
            (
                "@every 1h30m",
                "UTC",
                "2026-11-23T03:07:00Z",
                "2026-11-23T04:37:00Z",
            ),
        ] {
            let last = utc(last);
            assert_eq!(
                schedule(text, zone).due(last, last),
                utc(want),
                "{text} in {zone}"
            );
        }
    }

    #[test]
    fn a_schedule_that_makes_no_sense_is_refused_with_its_text() {
        for text in [
            "",
            "daily",
            "0 3 * *",
            "61 3 * * *",
            "0 0 31 2 *",
            "@every",
            "@every 5",
            "@every 5s",
            "@every 3x",
        ] {
            let error = Schedule::parse(text, Tz::UTC).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    /// Fifteen years in zones whose clocks change, some of them in the very hour of the run, and at midnight.
    #[test]
    fn no_clock_change_skips_or_doubles_a_day() {
        for zone in [
            "Europe/Berlin",
            "America/New_York",
            "America/Santiago",
            "Australia/Lord_Howe",
            "UTC",
        ] {
            for text in ["0 3 * * *", "30 2 * * *", "0 0 * * *", "30 1 * * *"] {
                let schedule = schedule(text, zone);
                let zone: Tz = zone.parse().unwrap();
                let mut day = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
                let mut last = zone
                    .with_ymd_and_hms(2019, 12, 31, 12, 0, 0)
                    .unwrap()
                    .with_timezone(&Utc);
                while day < NaiveDate::from_ymd_opt(2035, 1, 1).unwrap() {
                    let next = schedule.due(last, last);
                    assert_eq!(
                        next.with_timezone(&zone).date_naive(),
                        day,
                        "{text} in {zone} after {last}"
                    );
                    last = next;
                    day = day.succ_opt().unwrap();
                }
            }
        }
    }

    #[test]
    fn what_was_missed_while_asleep_runs_once() {
        let daily = schedule("0 3 * * *", "UTC");
        let now = utc("2026-11-23T12:00:00Z");
        let due = daily.due(utc("2026-11-18T03:00:00Z"), now);
        assert!(due <= now);
        // Having run just now, all that was missed is done with.
        assert_eq!(daily.due(now, now), utc("2026-11-24T03:00:00Z"));
    }

    #[test]
    fn a_clock_that_was_days_ahead_does_not_skip_the_days_until_then() {
        let daily = schedule("0 3 * * *", "UTC");
        let last = utc("2031-01-01T03:00:00Z");
        let now = utc("2026-11-23T12:00:00Z");
        assert_eq!(daily.due(last, now), utc("2026-11-24T03:00:00Z"));
    }

    #[test]
    fn a_clock_put_back_by_a_second_does_not_run_twice() {
        let daily = schedule("0 3 * * *", "UTC");
        let due = daily.due(utc("2026-11-23T03:00:00Z"), utc("2026-11-23T02:59:58Z"));
        assert_eq!(due, utc("2026-11-24T03:00:00Z"));
    }

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(parse_duration("26h"), Ok(TimeDelta::hours(26)));
        assert_eq!(parse_duration("1d12h"), Ok(TimeDelta::hours(36)));
        for wrong in [
            "",
            "26",
            "h",
            "1.5h",
            "-1h",
            "1w",
            "99999999999999999999h",
            "9999999999999999d",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
