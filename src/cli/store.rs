//! The options that say where backups are and how long they stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::store::Store;
use crate::store::name::Tier;
use crate::store::retention::Rules;
use crate::{Error, Result};

/// Where backups are.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Store")]
pub struct Place {
    /// Directory of the backups
    #[arg(long, value_name = "DIR", env = "BACKUP_DIR", default_value = "./backups")]
    pub backup_dir: PathBuf,
}

/// In which time zone the store's clock goes. Apart from [`Place`]: a restore must not fail over an odd `TZ`.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Store")]
pub struct Zone {
    /// Time zone of the times in file names and of the schedule, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", env = "TZ", default_value = "UTC", value_parser = zone)]
    pub time_zone: Tz,
}

impl Place {
    /// Opens the store.
    pub fn store(&self) -> Result<Store> {
        Store::open(&self.backup_dir)
    }

    /// The file that the user means: a path, or the name of a backup in the store.
    pub fn find(&self, file: &Path) -> Result<PathBuf> {
        let in_store =
            [Tier::Daily, Tier::Weekly].map(|tier| self.backup_dir.join(tier.directory()).join(file));
        // A pipe will do, too.
        if file.exists() && !file.is_dir() {
            return Ok(file.to_path_buf());
        }
        let mut places = std::iter::once(self.backup_dir.join(file)).chain(in_store);
        let found = places.find(|path| path.is_file());
        found.ok_or_else(|| {
            let shown = file.display();
            if file.is_dir() {
                return Error::failed(format!("{shown} is a directory, expected a file")).hint(format!(
                    "`pgstow list --backup-dir {shown}` shows the backups in a store."
                ));
            }
            Error::failed(format!(
                "there is no file {}, neither here nor in the store {}",
                file.display(),
                self.backup_dir.display()
            ))
            .hint(match file == Path::new("latest") {
                true => "The newest backup of a database is called DATABASE_latest.sql.gz; `pgstow list` shows them all.",
                false => "`pgstow list` shows the backups there are.",
            })
        })
    }
}

impl Zone {
    /// The zone that the environment names, or UTC where it names none.
    pub fn of_environment() -> Zone {
        let named = std::env::var("TZ").ok().and_then(|name| zone(&name).ok());
        Zone {
            time_zone: named.unwrap_or(Tz::UTC),
        }
    }

    /// Local time in the store's zone.
    pub fn now(&self) -> NaiveDateTime {
        Utc::now().with_timezone(&self.time_zone).naive_local()
    }
}

/// How long to wait for another run in the same store.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Store")]
pub struct Wait {
    /// How long to wait for another run to end, such as 30s or 10m
    #[arg(long, value_name = "TIME", env = "LOCK_WAIT", default_value = "0s", value_parser = duration)]
    pub lock_wait: Duration,
}

/// How long backups are kept.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Retention (never deletes the newest verified backup of a database)")]
pub struct Keep {
    /// Days that daily backups are kept
    #[arg(long, value_name = "DAYS", env = "KEEP_DAILY", default_value = "7", value_parser = number::<1, 7>)]
    pub keep_daily: u32,
    /// Weeks that weekly copies are kept; 0: make none
    #[arg(long, value_name = "WEEKS", env = "KEEP_WEEKLY", default_value = "4", value_parser = number::<0, 4>)]
    pub keep_weekly: u32,
    /// Also keep the newest backup of each of so many months
    #[arg(long, value_name = "MONTHS", env = "KEEP_MONTHLY", default_value = "0", value_parser = number::<0, 0>)]
    pub keep_monthly: u32,
    /// Also keep the newest backup of each of so many years
    #[arg(long, value_name = "YEARS", env = "KEEP_YEARLY", default_value = "0", value_parser = number::<0, 0>)]
    pub keep_yearly: u32,
    /// Also keep so many of the newest backups, however old
    #[arg(long, value_name = "NUMBER", env = "KEEP_LAST", default_value = "0", value_parser = number::<0, 0>)]
    pub keep_last: u32,
}

impl Keep {
    /// The rules as the store applies them.
    pub fn rules(&self) -> Rules {
        Rules {
            daily_days: self.keep_daily,
            weekly_weeks: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
            last: self.keep_last,
        }
    }
}

/// A number of days, weeks, ... no less than `LEAST`. Compose files pass variables that nobody set as empty ones, so an
/// empty text is `DEFAULT`.
fn number<const LEAST: u32, const DEFAULT: u32>(text: &str) -> Result<u32, String> {
    const MOST: u32 = 10_000;
    if text.is_empty() {
        return Ok(DEFAULT);
    }
    match text.parse() {
        Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {LEAST} to {MOST}")),
    }
}

fn zone(text: &str) -> Result<Tz, String> {
    // Some systems write the name of a zone file with a colon in front.
    match text.strip_prefix(':').unwrap_or(text) {
        "" => Ok(Tz::UTC),
        name => name.parse().map_err(|_| {
            "expected a name of the IANA time zone database, such as Europe/Berlin or UTC".to_string()
        }),
    }
}

/// A duration such as `26h`; empty: none.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text.is_empty() {
        return Ok(Duration::ZERO);
    }
    let span = crate::schedule::next::parse_duration(text)?;
    span.to_std().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_and_an_empty_variable_is_the_default() {
        assert_eq!(number::<1, 7>(""), Ok(7));
        assert_eq!(number::<1, 7>("30"), Ok(30));
        assert_eq!(number::<0, 4>("0"), Ok(0));
        for wrong in ["0", "-1", "7d", "1.5", "10001", "99999999999", " 7"] {
            assert!(number::<1, 7>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_zone_is_one_of_the_database() {
        assert_eq!(zone(""), Ok(Tz::UTC));
        assert_eq!(zone(":Europe/Berlin"), Ok(Tz::Europe__Berlin));
        assert!(zone("Middle/Earth").is_err());
    }
}
