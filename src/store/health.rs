//! Whether a database's backups are in order: a pure judgement of the newest verified backup and the last run.

use chrono::{NaiveDateTime, TimeDelta};

use super::journal::{Outcome, Run};
use super::name::AHEAD;

/// What is wrong, if something is. `newest` is the time of the newest verified backup and `now` is local time in the
/// same zone; `last` is the last run. One that is newer than now, by more than clocks differ, tells nothing of its age.
pub fn ailment(
    newest: Option<NaiveDateTime>,
    last: Option<&Run>,
    now: NaiveDateTime,
    max_age: TimeDelta,
) -> Option<String> {
    let Some(newest) = newest else {
        return Some("there is no verified backup".into());
    };
    let age = now - newest;
    if age < -AHEAD {
        return Some(format!(
            "the newest verified backup is dated {} h later than now",
            -age.num_hours()
        ));
    }
    if age > max_age {
        return Some(format!(
            "the newest verified backup is {} h old, expected at most {} h",
            age.num_hours(),
            max_age.num_hours()
        ));
    }
    let last = last?;
    match &last.outcome {
        Outcome::Failed { error } => Some(format!("the last backup failed: {error}")),
        Outcome::Succeeded { .. } => {
            let why = last.unsent.as_ref()?;
            Some(format!("the last backup is not off this machine: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn stale_failed_or_missing_is_ill() {
        let hour = |h| {
            NaiveDate::from_ymd_opt(2026, 11, 23)
                .unwrap()
                .and_hms_opt(h, 0, 0)
                .unwrap()
        };
        let run = |outcome| Run {
            database: "app".into(),
            began: hour(3).and_utc(),
            seconds: 1.0,
            outcome,
            unsent: None,
            warnings: Vec::new(),
        };
        let good = run(Outcome::Succeeded {
            file: "daily/x".into(),
            bytes: 1,
            rows: 1,
        });
        let bad = run(Outcome::Failed {
            error: "no route".into(),
        });
        let day = TimeDelta::hours(10);
        let judge = |newest, last, now| ailment(newest, last, now, day).unwrap_or_default();
        assert_eq!(judge(Some(hour(3)), Some(&good), hour(13)), "");
        assert_eq!(judge(Some(hour(3)), None, hour(13)), "");
        assert!(judge(Some(hour(3)), Some(&good), hour(14)).contains("11 h old, expected at most 10 h"));
        assert!(judge(Some(hour(3)), Some(&bad), hour(4)).contains("no route"));
        let unsent = Run {
            unsent: Some("no bucket".into()),
            ..good.clone()
        };
        assert!(judge(Some(hour(3)), Some(&unsent), hour(4)).contains("no bucket"));
        assert!(judge(None, Some(&good), hour(4)).contains("no verified backup"));
        assert_eq!(judge(Some(hour(5)), Some(&good), hour(3)), "");
        assert!(judge(Some(hour(9)), Some(&good), hour(3)).contains("dated 6 h later than now"));
    }
}
