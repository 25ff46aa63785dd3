//! The state in Prometheus' text format.

use std::fmt::{Display, Write};

use super::{Database, Status};
use crate::store::journal::Outcome;

/// Renders every metric.
pub(super) fn render(status: &Status) -> String {
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, String)>| {
        let _ = writeln!(out, "# HELP pgstow_{name} {help}\n# TYPE pgstow_{name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(out, "pgstow_{name}{labels} {value}");
        }
    };
    let build = vec![(labels(&[("version", env!("CARGO_PKG_VERSION"))]), "1".into())];
    metric("build_info", "The running version.", build);
    let healthy = status.ailments().is_empty();
    metric(
        "healthy",
        "Whether everything is as it should be.",
        bare(u8::from(healthy)),
    );
    metric(
        "running",
        "Whether a backup is being made.",
        bare(u8::from(status.running)),
    );
    let next = status.next.map(|time| time.timestamp());
    metric(
        "next_run_timestamp_seconds",
        "When the next backup is due.",
        next.map_or_else(Vec::new, bare),
    );
    metric(
        "last_success_timestamp_seconds",
        "When the newest verified backup was begun.",
        each(status, |db| Some(db.newest.as_ref()?.time.timestamp())),
    );
    metric(
        "backup_age_seconds",
        "Age of the newest verified backup.",
        each(status, |db| {
            Some((status.now - db.newest.as_ref()?.time).num_seconds())
        }),
    );
    metric(
        "last_backup_size_bytes",
        "Size of the newest verified backup.",
        each(status, |db| Some(db.newest.as_ref()?.bytes)),
    );
    metric(
        "last_backup_rows",
        "Rows in the newest verified backup.",
        each(status, |db| Some(db.newest.as_ref()?.rows)),
    );
    metric(
        "last_run_duration_seconds",
        "How long the last run took.",
        each(status, |db| Some(db.last.as_ref()?.seconds)),
    );
    metric(
        "last_run_success",
        "Whether the last run succeeded.",
        each(status, |db| {
            let succeeded = matches!(db.last.as_ref()?.outcome, Outcome::Succeeded { .. });
            Some(u8::from(succeeded))
        }),
    );
    metric(
        "last_run_offsite_success",
        "Whether the last successful run left nothing unsent to the place off the machine.",
        each(status, |db| {
            let last = db.last.as_ref()?;
            let made = matches!(last.outcome, Outcome::Succeeded { .. });
            made.then(|| u8::from(last.unsent.is_none()))
        }),
    );
    metric(
        "last_run_warnings",
        "What went wrong after the last run's backup stood, such as its weekly copy.",
        each(status, |db| Some(db.last.as_ref()?.warnings.len())),
    );
    metric(
        "last_test_restore_seconds",
        "How long the last test restore took.",
        each(status, |db| Some(db.tested.as_ref()?.seconds)),
    );
    metric(
        "last_test_restore_timestamp_seconds",
        "When the last test restore ended.",
        each(status, |db| Some(db.tested.as_ref()?.at.timestamp())),
    );
    metric(
        "last_test_restore_success",
        "Whether the last test restore gave what the backup says.",
        each(status, |db| Some(u8::from(db.tested.as_ref()?.passed))),
    );
    metric(
        "consecutive_failures",
        "Runs that failed since the last that succeeded.",
        each(status, |db| Some(db.failures)),
    );
    metric(
        "backups",
        "Verified backups in the store.",
        each(status, |db| {
            let mine = status
                .backups
                .iter()
                .filter(|b| b.verified && b.entry.name.database == db.name);
            Some(mine.count())
        }),
    );
    out
}

fn bare(value: impl Display) -> Vec<(String, String)> {
    vec![(String::new(), value.to_string())]
}

fn each<T: Display>(status: &Status, value: impl Fn(&Database) -> Option<T>) -> Vec<(String, String)> {
    let databases = status.databases.iter();
    databases
        .filter_map(|db| Some((labels(&[("database", &db.name)]), value(db)?.to_string())))
        .collect()
}

/// `{name="value"}`, escaped as the format demands.
fn labels(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let list: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    format!("{{{}}}", list.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_dashboard_ask_for_metrics_that_there_are() {
        let told = include_str!("metrics.rs");
        for file in [
            include_str!("../../../deploy/prometheus/pgstow-rules.yaml"),
            include_str!("../../../deploy/grafana/dashboard.json"),
        ] {
            let names: Vec<&str> = file
                .split("pgstow_")
                .skip(1)
                .map(|rest| {
                    rest.split(|c: char| c != '_' && !c.is_ascii_lowercase())
                        .next()
                        .unwrap_or(rest)
                })
                .collect();
            assert!(names.len() > 3);
            for name in names {
                assert!(told.contains(&format!("\"{name}\",")), "pgstow_{name}");
            }
        }
    }

    #[test]
    fn a_database_s_name_cannot_break_the_format() {
        assert_eq!(
            labels(&[("database", "a\"b\\c\nd")]),
            r#"{database="a\"b\\c\nd"}"#
        );
    }
}
