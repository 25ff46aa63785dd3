//! The names of backup files: `daily/<db>_<YYYY-MM-DD_HH-MM-SS>.sql.gz` and `weekly/<db>_week_<YYYY-MM-DD>.sql.gz`.
//!
//! A database may be called anything, so whatever is not a plain letter, digit, `_`, `-` or `.` is written as `%` and two
//! hexadecimal digits a byte; [`Name::parse`] takes only what [`Name::file_name`] would have written, so that a file
//! with another name is never taken for ours.

use std::fmt::Write;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::archive::Format;

/// Which directory a backup lives in, and so which rule keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// A week's copy, kept for weeks.
    Weekly,
    /// Every backup, kept for days.
    Daily,
}

impl Tier {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Tier; 2] = [Tier::Daily, Tier::Weekly];

    /// The directory below the store's root.
    pub fn directory(self) -> &'static str {
        match self {
            Tier::Daily => "daily",
            Tier::Weekly => "weekly",
        }
    }
}

/// How far ahead of the clock a name may be and still be believed: local time goes back by two hours at the most when
/// summer ends, and clocks of machines differ a little.
pub(super) const AHEAD: TimeDelta = TimeDelta::hours(2);

/// What roles and tablespaces are called where a database's name stands.
const GLOBALS: &str = "globals";

const FORMATS: [Format; 3] = [Format::Gzip, Format::Zstd, Format::Plain];

/// What a backup's file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The database, as it is called on the server; empty, as no database can be called: what belongs to the whole
    /// server, which is `globals` in file names.
    pub database: String,
    /// Daily or weekly.
    pub tier: Tier,
    /// Local time in the store's time zone; a weekly copy knows only its day, so midnight.
    pub time: NaiveDateTime,
    /// The container, which the name ends in.
    pub format: Format,
}

impl Name {
    /// The name of a backup begun at a local time.
    pub fn daily(database: &str, time: NaiveDateTime, format: Format) -> Name {
        Name {
            database: database.to_string(),
            tier: Tier::Daily,
            time,
            format,
        }
    }

    /// The name of this backup's weekly copy.
    pub fn weekly(&self) -> Name {
        Name {
            tier: Tier::Weekly,
            time: self.time.date().and_time(NaiveTime::MIN),
            ..self.clone()
        }
    }

    /// Whether it is dated in the future: made while the clock was wrong, and so newer than nothing. `now` is local time
    /// in the zone of the names.
    pub fn is_ahead(&self, now: NaiveDateTime) -> bool {
        self.time.signed_duration_since(now) > AHEAD
    }

    /// The database; none for roles and tablespaces.
    pub fn database_or_none(&self) -> Option<&str> {
        Some(self.database.as_str()).filter(|name| !name.is_empty())
    }

    /// What it is a backup of, for people.
    pub fn subject(&self) -> &str {
        subject(&self.database)
    }

    /// The name within the tier's directory.
    pub fn file_name(&self) -> String {
        let database = encode(&self.database);
        let time = match self.tier {
            Tier::Daily => self.time.format("%Y-%m-%d_%H-%M-%S"),
            Tier::Weekly => self.time.format("week_%Y-%m-%d"),
        };
        format!("{database}_{time}{}", self.format.extension())
    }

    /// The name of the link to the newest backup of its database.
    pub fn latest_file_name(&self) -> String {
        format!("{}_latest{}", encode(&self.database), self.format.extension())
    }

    /// What a file's name in a tier's directory says; `None` if we would not have called a file so.
    pub fn parse(tier: Tier, file_name: &str) -> Option<Name> {
        let (stem, format) = FORMATS
            .iter()
            .find_map(|f| Some((file_name.strip_suffix(f.extension())?, *f)))?;
        let split = |separator: &str, length: usize| {
            let (front, time) = stem.split_at_checked(stem.len().checked_sub(length)?)?;
            Some((front.strip_suffix(separator)?, time))
        };
        let (database, time) = match tier {
            Tier::Daily => {
                let (database, time) = split("_", 19)?;
                (
                    database,
                    NaiveDateTime::parse_from_str(time, "%Y-%m-%d_%H-%M-%S").ok()?,
                )
            }
            Tier::Weekly => {
                let (database, day) = split("_week_", 10)?;
                let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
                (database, day.and_time(NaiveTime::MIN))
            }
        };
        let name = Name {
            database: decode(database)?,
            tier,
            time,
            format,
        };
        (name.file_name() == file_name).then_some(name)
    }
}

/// The warning about those of some backups that are dated in the future, if there are any. `now` is local time in the zone
/// of the names.
pub fn warning_of_ahead<'a>(names: impl IntoIterator<Item = &'a Name>, now: NaiveDateTime) -> Option<String> {
    let ahead: Vec<String> = names
        .into_iter()
        .filter(|name| name.is_ahead(now))
        .map(|name| format!("{}/{}", name.tier.directory(), name.file_name()))
        .collect();
    let shown = match &ahead[..] {
        [] => return None,
        [one, two, three, .., _] => format!("{one}, {two}, {three}, ..."),
        few => few.join(", "),
    };
    Some(format!(
        "dated later than now ({}), so left out of account and kept: {shown}. Remove or rename what was made while the \
         clock or TZ was wrong",
        now.format("%Y-%m-%d %H:%M")
    ))
}

/// Whether a file is called as a link to the newest backup is.
pub(super) fn is_latest(file_name: &str) -> bool {
    FORMATS
        .iter()
        .filter_map(|f| file_name.strip_suffix(f.extension())?.strip_suffix("_latest"))
        .any(|database| decode(database).is_some_and(|name| encode(&name) == database))
}

/// A database's name for people; the empty one stands for roles and tablespaces.
pub fn subject(database: &str) -> &str {
    match database {
        "" => "(roles and tablespaces)",
        name => name,
    }
}

/// A database's name as a part of a file's name.
fn encode(database: &str) -> String {
    let mut out = String::with_capacity(database.len());
    if database.is_empty() {
        return GLOBALS.to_string();
    }
    for (at, byte) in database.bytes().enumerate() {
        // A leading dot would hide the file.
        let plain = matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.')
            && !(at == 0 && (byte == b'.' || database == GLOBALS));
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The inverse of [`encode`]; `None` for what is no UTF-8 or no escape.
fn decode(text: &str) -> Option<String> {
    if text == GLOBALS {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn names_are_those_of_the_old_script() {
        let daily = Name::daily("app", at("2026-11-22 03:00:05"), Format::Gzip);
        assert_eq!(daily.file_name(), "app_2026-11-22_03-00-05.sql.gz");
        assert_eq!(daily.weekly().file_name(), "app_week_2026-11-22.sql.gz");
    }

    #[test]
    fn app_is_not_app_test() {
        let name = Name::parse(Tier::Daily, "app_test_2026-11-22_03-00-05.sql.gz").unwrap();
        assert_eq!(name.database, "app_test");
        let name = Name::parse(Tier::Weekly, "app_week_week_2026-11-22.sql.zst").unwrap();
        assert_eq!(name.database, "app_week");
    }

    #[test]
    fn a_file_that_is_not_ours_is_never_taken_for_ours() {
        for name in [
            "app.sql.gz",
            "app_2026-11-22.sql.gz",
            "app_2026-13-22_03-00-05.sql.gz",
            "app_2026-11-22_03-00-05.sql.gz.bak",
            "app_2026-11-22_03-00-05.dump",
            "app 2_2026-11-22_03-00-05.sql.gz",
            "a%6Fp_2026-11-22_03-00-05.sql.gz",
            "a%2_2026-11-22_03-00-05.sql.gz",
            "_2026-11-22_03-00-05.sql.gz",
            ".app_2026-11-22_03-00-05.sql.gz",
            "app_2026-11-22_ 3-00-05.sql.gz",
            "é_2026-11-22_03-00-05.sql.gz",
            "",
        ] {
            assert_eq!(Name::parse(Tier::Daily, name), None, "{name}");
        }
        assert_eq!(Name::parse(Tier::Weekly, "app_2026-11-22_03-00-05.sql.gz"), None);
    }

    proptest! {
        #[test]
        fn any_database_name_comes_back_from_its_file_name(database in "\\PC{1,40}", second in 0i64..3_000_000_000) {
            let time = chrono::DateTime::from_timestamp(second, 0).unwrap().naive_utc();
            let daily = Name::daily(&database, time, Format::Gzip);
            let file = daily.file_name();
            prop_assert!(!file.contains('/') && !file.starts_with('.') && file.is_ascii());
            prop_assert_eq!(Name::parse(Tier::Daily, &file), Some(daily.clone()));
            let weekly = daily.weekly();
            prop_assert_eq!(Name::parse(Tier::Weekly, &weekly.file_name()), Some(weekly));
        }
    }

    #[test]
    fn a_database_called_globals_is_not_the_roles_and_tablespaces() {
        let globals = Name::daily("", at("2026-11-22 03:00:05"), Format::Gzip);
        assert_eq!(globals.file_name(), "globals_2026-11-22_03-00-05.sql.gz");
        assert_eq!(Name::parse(Tier::Daily, &globals.file_name()), Some(globals));
        let name = Name::daily("globals", at("2026-11-22 03:00:05"), Format::Gzip);
        assert_eq!(name.file_name(), "%67lobals_2026-11-22_03-00-05.sql.gz");
        assert_eq!(Name::parse(Tier::Daily, &name.file_name()), Some(name));
    }
}
