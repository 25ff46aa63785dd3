//! The state as one page that needs nothing else: no scripts, no fonts, no pictures from elsewhere.

use std::fmt::Write;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::{Database, Status};
use crate::human;
use crate::store::journal::{Outcome, Run};
use crate::store::name::subject;
use crate::store::retention::Verdict;

const STYLE: &str = "
:root { color-scheme: light dark; --good: #1a7f37; --bad: #c62828; --soft: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--soft); vertical-align: top; }
td.n, th.n { text-align: right; } td.n, th.n, td.t { white-space: nowrap; }
svg { width: 100%; height: 6rem; } polyline { fill: none; stroke: var(--good); stroke-width: 2; vector-effect: non-scaling-stroke; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff7b72; } }
";
/// Runs shown.
const RUNS: usize = 20;

/// Renders the page.
pub(super) fn render(status: &Status) -> String {
    let mut out = String::with_capacity(16 << 10);
    let ailments = status.ailments();
    let (class, verdict) = match ailments.is_empty() {
        true => ("good", "Backups are in order"),
        false => ("bad", "Backups need attention"),
    };
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{verdict} - pgstow</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"60\">\
         <style>{STYLE}</style></head><body>\n<h1 class=\"{class}\">{verdict}</h1>\n"
    );
    for ailment in &ailments {
        let _ = writeln!(out, "<p class=\"bad\">{}</p>", escape(ailment));
    }
    let _ = writeln!(out, "<p>{}</p>", escape(&next(status)));
    for database in &status.databases {
        database_section(&mut out, status, database);
    }
    runs_section(&mut out, status);
    kept_section(&mut out, status);
    let _ = write!(
        out,
        "<p><small>pgstow {}, {}, times in {}</small></p>\n</body></html>\n",
        env!("CARGO_PKG_VERSION"),
        local(status, status.now),
        status.zone
    );
    out
}

fn next(status: &Status) -> String {
    if status.running {
        return "A backup is being made now.".into();
    }
    match status.next {
        Some(next) => format!(
            "Next backup at {}, in {}.",
            local(status, next),
            human::duration((next - status.now).max(TimeDelta::zero()))
        ),
        None => "No backup is planned.".into(),
    }
}

fn database_section(out: &mut String, status: &Status, database: &Database) {
    let _ = writeln!(out, "<h2>{}</h2>", escape(subject(&database.name)));
    match &database.newest {
        Some(newest) => {
            let _ = writeln!(
                out,
                "<p>Newest verified backup: {} ago, {}, {}.</p>",
                human::duration(status.now - newest.time),
                human::bytes(newest.bytes),
                human::number_of(newest.rows, "row")
            );
        }
        None => out.push_str("<p class=\"bad\">No verified backup.</p>\n"),
    }
    if let Some(tested) = &database.tested {
        let (class, verdict) = match tested.passed {
            true => ("good", "equal"),
            false => ("bad", "not what the backup says"),
        };
        let _ = writeln!(
            out,
            "<p>Last test restore: {} ago, took {}, <span class=\"{class}\">{verdict}</span>.</p>",
            human::duration(status.now - tested.at),
            human::duration(seconds(tested.seconds))
        );
    }
    plot(out, &database.sizes);
}

/// The sizes over time as a line from zero to the largest.
fn plot(out: &mut String, sizes: &[(NaiveDateTime, u64)]) {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return;
    };
    let largest = sizes.iter().map(|s| s.1).max().unwrap_or(1).max(1);
    let span = (last.0 - first.0).num_seconds();
    if span == 0 {
        return;
    }
    let points: Vec<String> = sizes
        .iter()
        .map(|(time, size)| {
            let x = (*time - first.0).num_seconds() as f64 / span as f64 * 1000.0;
            let y = 98.0 - *size as f64 / largest as f64 * 96.0;
            format!("{x:.1},{y:.1}")
        })
        .collect();
    let label = format!(
        "Size of the daily backups from {} to {}, up to {}",
        first.0,
        last.0,
        human::bytes(largest)
    );
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">\
         <polyline points=\"{}\"/></svg><p><small>{label}</small></p>",
        points.join(" ")
    );
}

fn runs_section(out: &mut String, status: &Status) {
    out.push_str(
        "<h2>Last runs</h2><div class=\"wide\"><table><tr><th>Began</th><th>Database</th><th class=\"n\">Took</th>\
         <th>Outcome</th></tr>\n",
    );
    for run in status.runs.iter().take(RUNS) {
        let _ = writeln!(
            out,
            "<tr><td class=\"t\">{}</td><td>{}</td><td class=\"n\">{}</td>{}</tr>",
            local(status, run.began),
            escape(subject(&run.database)),
            human::duration(seconds(run.seconds)),
            outcome(run)
        );
    }
    out.push_str("</table></div>\n");
}

fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

fn outcome(run: &Run) -> String {
    match &run.outcome {
        Outcome::Succeeded { bytes, rows, .. } => {
            let rows = human::number_of(*rows, "row");
            let size = human::bytes(*bytes);
            let unsent = run
                .unsent
                .iter()
                .map(|why| format!("not off this machine: {why}"));
            let odd: Vec<String> = unsent.chain(run.warnings.iter().cloned()).collect();
            match odd.is_empty() {
                true => format!("<td class=\"good\">{size}, {rows}</td>"),
                false => {
                    let odd = escape(&odd.join("; ")).replace('\n', "<br>");
                    format!("<td class=\"bad\">{size}, {rows}; {odd}</td>")
                }
            }
        }
        Outcome::Failed { error } => {
            let lines = escape(error).replace('\n', "<br>");
            format!("<td class=\"bad\">{lines}</td>")
        }
    }
}

fn kept_section(out: &mut String, status: &Status) {
    out.push_str(
        "<h2>What is kept, and why</h2><div class=\"wide\"><table><tr><th>File</th><th class=\"n\">Size</th>\
         <th>State</th><th>Because</th></tr>\n",
    );
    for backup in &status.backups {
        let goes = match backup.verdict {
            Verdict::Keep(_) => "",
            Verdict::Delete(_) => "goes with the next backup: ",
        };
        let (class, state) = match backup.verified {
            true => ("good", "verified"),
            false => ("bad", "not verified"),
        };
        let name = &backup.entry.name;
        let file = format!("{}/{}", name.tier.directory(), name.file_name());
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"{class}\">{state}</td><td>{goes}{}</td></tr>",
            escape(&file),
            human::bytes(backup.entry.bytes),
            backup.verdict
        );
    }
    out.push_str("</table></div>\n");
}

fn local(status: &Status, time: DateTime<Utc>) -> String {
    time.with_timezone(&status.zone)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_s_name_cannot_become_markup() {
        let name = "<script>alert(\"1\")</script>&";
        let status = Status {
            now: Utc::now(),
            zone: chrono_tz::UTC,
            next: None,
            running: false,
            databases: vec![Database {
                name: name.into(),
                ailment: Some("ill".into()),
                newest: None,
                last: None,
                tested: None,
                failures: 0,
                sizes: Vec::new(),
            }],
            backups: Vec::new(),
            runs: Vec::new(),
        };
        let page = render(&status);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<h2>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;</h2>"));
    }
}
