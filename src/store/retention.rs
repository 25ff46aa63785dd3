//! Which backups stay and which go: a pure function of the files, the rules and the time.
//!
//! The rules only ever add reasons to keep a file. What remains is deleted, but never the newest verified backup of its
//! database, and never a file to which no newer verified backup of the same database stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{Datelike, NaiveDateTime};

use super::name::{Name, Tier};

/// How long backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// `KEEP_DAILY`: a daily backup goes when it is more than so many whole days old (`find -mtime +N`).
    pub daily_days: u32,
    /// `KEEP_WEEKLY`: a weekly copy goes when it is more than so many times seven whole days old; 0: no weekly copies.
    pub weekly_weeks: u32,
    /// `KEEP_MONTHLY`: the newest backup of each of so many months that have one.
    pub monthly: u32,
    /// `KEEP_YEARLY`: the newest backup of each of so many years that have one.
    pub yearly: u32,
    /// `KEEP_LAST`: so many of the newest daily backups, however old.
    pub last: u32,
}

impl Default for Rules {
    /// 7 days and 4 weeks, and nothing beyond.
    fn default() -> Rules {
        Rules {
            daily_days: 7,
            weekly_weeks: 4,
            monthly: 0,
            yearly: 0,
            last: 0,
        }
    }
}

/// A file in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What its name says.
    pub name: Name,
    /// Whether it is a finished backup of ours, not damaged.
    pub verified: bool,
}

/// What becomes of a file, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep(Reason),
    /// It goes: it is older than its tier's rule allows.
    Delete(Age),
}

/// A file's age against its tier's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Whole days, the fraction dropped, as `find -mtime` counts.
    pub days: i64,
    /// The days that the rule allows.
    pub limit: i64,
    /// Whose rule.
    pub tier: Tier,
}

impl Age {
    pub(super) fn of(name: &Name, rules: &Rules, now: NaiveDateTime) -> Age {
        Age {
            days: (now - name.time).num_days(),
            limit: match name.tier {
                Tier::Daily => i64::from(rules.daily_days),
                Tier::Weekly => i64::from(rules.weekly_weeks) * 7,
            },
            tier: name.tier,
        }
    }

    pub(super) fn is_within(self) -> bool {
        // No weekly copies at all is a rule of its own: `-mtime +0` would still keep one for a day.
        self.days <= self.limit && !(self.tier == Tier::Weekly && self.limit == 0)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = if self.days == 1 { "day" } else { "days" };
        match self.tier {
            Tier::Daily => write!(f, "{} {days} old, KEEP_DAILY={}", self.days, self.limit),
            Tier::Weekly => write!(f, "{} {days} old, KEEP_WEEKLY={}", self.days, self.limit / 7),
        }
    }
}

/// Why a file stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is not older than its tier's rule allows.
    Age(Age),
    /// Its name's time has not come yet: the clock was or is wrong.
    Future,
    /// Nothing better is left if this one goes.
    NewestVerified,
    /// It is newer than the newest verified backup of its database, or there is none.
    NoNewerVerified,
    /// `KEEP_LAST`.
    Last(u32),
    /// `KEEP_MONTHLY`: the newest of this year and month.
    Monthly(i32, u32),
    /// `KEEP_YEARLY`: the newest of this year.
    Yearly(i32),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Keep(Reason::Age(age)) | Verdict::Delete(age) => age.fmt(f),
            Verdict::Keep(Reason::Future) => write!(f, "its time has not come yet"),
            Verdict::Keep(Reason::NewestVerified) => write!(f, "newest verified backup of its database"),
            Verdict::Keep(Reason::NoNewerVerified) => write!(f, "no newer verified backup of its database"),
            Verdict::Keep(Reason::Last(n)) => write!(f, "one of the last {n}"),
            Verdict::Keep(Reason::Monthly(year, month)) => write!(f, "newest of {year:04}-{month:02}"),
            Verdict::Keep(Reason::Yearly(year)) => write!(f, "newest of {year:04}"),
        }
    }
}

/// Judges every file, in the order given. `now` is local time in the zone of the names.
pub fn judge(files: &[Candidate], rules: &Rules, now: NaiveDateTime) -> Vec<Verdict> {
    let mut databases: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        databases.entry(&file.name.database).or_default().push(at);
    }
    let mut verdicts: Vec<Option<Verdict>> = vec![None; files.len()];
    for mut group in databases.into_values() {
        // Newest first; of a backup and its weekly copy, the backup.
        group.sort_by_key(|&at| std::cmp::Reverse((files[at].name.time, files[at].name.tier)));
        for (at, verdict) in judge_database(files, &group, rules, now) {
            verdicts[at] = Some(verdict);
        }
    }
    verdicts.into_iter().flatten().collect()
}

/// Judges the files of one database, given newest first.
fn judge_database(
    files: &[Candidate],
    newest_first: &[usize],
    rules: &Rules,
    now: NaiveDateTime,
) -> Vec<(usize, Verdict)> {
    let verified: Vec<usize> = newest_first
        .iter()
        .copied()
        .filter(|&at| files[at].verified && files[at].name.time <= now)
        .collect();
    let mut extra = chosen_by_rules(files, &verified, rules);
    newest_first
        .iter()
        .map(|&at| {
            let name = &files[at].name;
            let age = Age::of(name, rules, now);
            let verdict = match verified.first() {
                _ if name.time > now => Verdict::Keep(Reason::Future),
                Some(&newest) if newest == at => Verdict::Keep(Reason::NewestVerified),
                _ if age.is_within() => Verdict::Keep(Reason::Age(age)),
                Some(&newest) if files[newest].name.time >= name.time => match extra.remove(&at) {
                    Some(reason) => Verdict::Keep(reason),
                    None => Verdict::Delete(age),
                },
                _ => Verdict::Keep(Reason::NoNewerVerified),
            };
            (at, verdict)
        })
        .collect()
}

/// What `KEEP_LAST`, `KEEP_MONTHLY` and `KEEP_YEARLY` keep of the verified backups, given newest first.
fn chosen_by_rules(files: &[Candidate], verified: &[usize], rules: &Rules) -> BTreeMap<usize, Reason> {
    let mut chosen = BTreeMap::new();
    let daily = verified.iter().filter(|&&at| files[at].name.tier == Tier::Daily);
    for &at in daily.take(rules.last as usize) {
        chosen.insert(at, Reason::Last(rules.last));
    }
    let (mut months, mut years) = (BTreeSet::new(), BTreeSet::new());
    for &at in verified {
        let time = files[at].name.time;
        let month = (time.year(), time.month());
        if months.len() < rules.monthly as usize && months.insert(month) {
            chosen.entry(at).or_insert(Reason::Monthly(month.0, month.1));
        }
        if years.len() < rules.yearly as usize && years.insert(time.year()) {
            chosen.entry(at).or_insert(Reason::Yearly(time.year()));
        }
    }
    chosen
}

/// The median size of the last backups, if a new one of `size` bytes is less than half of it: a sign that the database
/// was emptied or the wrong one was dumped. `earlier` are sizes in bytes, newest first; fewer than three prove nothing.
pub fn collapsed(size: u64, earlier: &[u64]) -> Option<u64> {
    let mut last: Vec<u64> = earlier.iter().copied().take(7).collect();
    if last.len() < 3 {
        return None;
    }
    last.sort_unstable();
    let median = last[last.len() / 2];
    (size < median / 2).then_some(median)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases are text, so that an operator can read and judge them: a line `now ... daily=7 weekly=4 ...`, then
    /// the files, each with what became of it. The test judges the files again and compares the whole text.
    #[test]
    fn each_file_is_kept_or_deleted_as_the_golden_cases_say() {
        let golden = include_str!("../../tests/golden/retention.txt");
        let mut cases = 0;
        let again: Vec<String> = golden
            .split("\n\n")
            .map(|case| {
                cases += 1;
                judge_case(case.trim_end())
            })
            .collect();
        assert!(cases > 5);
        similar(&again.join("\n\n"), golden.trim_end());
    }

    fn similar(got: &str, want: &str) {
        for (got, want) in got.lines().zip(want.lines()) {
            assert_eq!(got, want);
        }
        assert_eq!(got.lines().count(), want.lines().count());
    }

    fn judge_case(case: &str) -> String {
        let mut out = Vec::new();
        let mut files = Vec::new();
        let mut now = None;
        let mut rules = Rules {
            daily_days: 0,
            weekly_weeks: 0,
            monthly: 0,
            yearly: 0,
            last: 0,
        };
        for line in case.lines() {
            if line.starts_with('#') {
                out.push(line.to_string());
            } else if let Some(settings) = line.strip_prefix("now ") {
                let (time, settings) = settings.split_at(19);
                now = Some(NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").unwrap());
                for setting in settings.split_whitespace() {
                    let (rule, value) = setting.split_once('=').unwrap();
                    let value = value.parse().unwrap();
                    match rule {
                        "daily" => rules.daily_days = value,
                        "weekly" => rules.weekly_weeks = value,
                        "monthly" => rules.monthly = value,
                        "yearly" => rules.yearly = value,
                        "last" => rules.last = value,
                        other => panic!("unknown rule {other}"),
                    }
                }
                out.push(line.to_string());
            } else {
                let words: Vec<&str> = line.split_whitespace().collect();
                let (directory, file) = words[2].split_once('/').unwrap();
                let tier = Tier::ALL
                    .into_iter()
                    .find(|t| t.directory() == directory)
                    .unwrap();
                let name = Name::parse(tier, file).unwrap_or_else(|| panic!("{file} is not a backup's name"));
                files.push(Candidate {
                    name,
                    verified: words[1] == "verified",
                });
            }
        }
        for (file, verdict) in files.iter().zip(judge(&files, &rules, now.unwrap())) {
            let word = match verdict {
                Verdict::Keep(_) => "keep",
                Verdict::Delete(_) => "delete",
            };
            let state = if file.verified { "verified" } else { "unknown" };
            let path = format!("{}/{}", file.name.tier.directory(), file.name.file_name());
            out.push(format!("{word:<6} {state:<8} {path:<44} {verdict}"));
        }
        out.join("\n")
    }

    #[test]
    fn a_backup_that_shrank_by_more_than_half_is_noticed() {
        assert_eq!(collapsed(10, &[100, 100]), None);
        assert_eq!(collapsed(49, &[100, 90, 110]), Some(100));
        assert_eq!(collapsed(50, &[100, 90, 110]), None);
        assert_eq!(collapsed(0, &[0, 0, 0]), None);
        // Only the last seven count.
        assert_eq!(collapsed(40, &[10, 10, 10, 10, 10, 10, 10, 1000, 1000]), None);
    }
}
