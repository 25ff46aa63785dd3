//! Which backups are to be copied weekly: a pure function of the files, the rules and the time.
//!
//! A week ends with Sunday, ISO weekday 7, whose last backup is its copy. Where that could not be made, or the run was
//! killed before, it is made later. A week without a backup on Sunday has no copy.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, IsoWeek, Weekday};

use super::name::{Name, Tier};
use super::retention::{Age, Candidate, Rules};

/// Of one database, the daily backups to be copied weekly now that `made` stands, oldest first: `made` on Sunday, also
/// where an earlier one of that day was copied already; and the newest verified one of each earlier Sunday without a
/// copy, unless that would be too old to be kept.
pub fn due(made: &Name, files: &[Candidate], rules: &Rules) -> Vec<Name> {
    if rules.weekly_weeks == 0 {
        return Vec::new();
    }
    let of_tier = |tier| {
        let files = files.iter();
        files.filter(move |f| f.name.database == made.database && f.name.tier == tier)
    };
    let copied: BTreeSet<IsoWeek> = of_tier(Tier::Weekly).map(|f| week(&f.name)).collect();
    let is_sunday = |name: &Name| name.time.weekday() == Weekday::Sun;
    let mut newest = BTreeMap::<IsoWeek, &Name>::new();
    for Candidate { name, .. } in of_tier(Tier::Daily).filter(|f| f.verified && is_sunday(&f.name)) {
        let kept = Age::of(&name.weekly(), rules, made.time).is_within();
        if kept && week(name) < week(made) && !copied.contains(&week(name)) {
            let best = newest.entry(week(name)).or_insert(name);
            if name.time > best.time {
                *best = name;
            }
        }
    }
    let today = is_sunday(made).then_some(made);
    newest.into_values().chain(today).cloned().collect()
}

/// The week from Monday to Sunday that a backup is of.
fn week(name: &Name) -> IsoWeek {
    name.time.iso_week()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases are text, so that an operator can read and judge them: the rule and the backup just made, the files that
    /// there are, then what is copied. The test judges again and compares the whole text.
    #[test]
    fn each_week_gets_its_copy_as_the_golden_cases_say() {
        let golden = include_str!("../../tests/golden/weekly.txt");
        let cases: Vec<&str> = golden.trim_end().split("\n\n").collect();
        assert!(cases.len() > 5);
        for case in cases {
            assert_eq!(judge_case(case), case);
        }
    }

    fn judge_case(case: &str) -> String {
        let mut out = Vec::new();
        let (mut made, mut rules, mut files) = (None, Rules::default(), Vec::new());
        for line in case.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["#", ..] => {}
                ["made", path, rule] => {
                    made = Some(parse(path));
                    rules.weekly_weeks = rule.strip_prefix("weekly=").unwrap().parse().unwrap();
                }
                ["copy", ..] => continue,
                [state, path] => files.push(Candidate {
                    name: parse(path),
                    verified: state == "verified",
                }),
                _ => panic!("{line}"),
            }
            out.push(line.to_string());
        }
        let path = |name: &Name| format!("{}/{}", name.tier.directory(), name.file_name());
        for daily in due(&made.unwrap(), &files, &rules) {
            out.push(format!("copy {} {}", path(&daily), path(&daily.weekly())));
        }
        out.join("\n")
    }

    fn parse(path: &str) -> Name {
        let (directory, file) = path.split_once('/').unwrap();
        let tier = Tier::ALL.into_iter().find(|t| t.directory() == directory);
        Name::parse(tier.unwrap(), file).unwrap_or_else(|| panic!("{file} is not a backup's name"))
    }
}
