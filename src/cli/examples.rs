//! Two examples for each verb's `--help`. A test parses them all, so that none can go out of date.

/// `backup`
pub const BACKUP: &str = "\
Examples:
  pgstow backup --dbname app --backup-dir /var/backups/app
      one database, by the server's socket, into daily/app_<time>.sql.gz
  PGHOST=db PGUSER=app PGPASSWORD_FILE=/run/secrets/db pgstow backup --all-databases --globals
      everything a server has; each database into its own file";

/// `restore`
pub const RESTORE: &str = "\
Examples:
  pgstow restore --dbname app latest
      the newest verified backup of app, over what is there; asks first
  pgstow restore --dbname postgresql://app@db/app_copy --yes app_2026-11-23_03-00-00.sql.gz
      a backup by its name in the store or its path, into another database, without asking";

/// `list`
pub const LIST: &str = "\
Examples:
  pgstow list
      the backups in the store: age, size, rows, whether they are whole
  pgstow list --json app_2026-11-23_03-00-00.sql.gz
      the tables in one of them, for a program";

/// `cleanup`
pub const CLEANUP: &str = "\
Examples:
  pgstow cleanup --dry-run
      what would be deleted, and why the rest stays
  pgstow cleanup --keep-daily 14 --keep-monthly 6
      with other rules than those of the environment";

/// `dump`
pub const DUMP: &str = "\
Examples:
  pgstow dump --dbname app --file app.sql.gz
      like pg_dump, several connections at once
  pgstow dump --dbname app --compress none
      plain SQL on standard output, for a pipe";

/// `verify`
pub const VERIFY: &str = "\
Examples:
  pgstow verify app_2026-11-23_03-00-00.sql.gz
      every row of it against the sums in its index; exit code 4 when it is damaged
  pgstow verify --test-restore --dbname app app_2026-11-23_03-00-00.sql.gz
      restored into a scratch database on that server, every table compared, dropped again";

/// `schedule`
pub const SCHEDULE: &str = "\
Examples:
  pgstow schedule --schedule '0 3 * * *' --time-zone Europe/Berlin
      a backup now, then every night at three
  pgstow schedule --schedule '@every 6h' --http-addr 127.0.0.1:8080
      every six hours, with /healthz, /metrics and a page

SIGHUP: a backup now. SIGTERM: the end, within a second.";

/// `compare`
pub const COMPARE: &str = "\
Examples:
  pgstow compare --dbname app app_2026-11-23_03-00-00.sql.gz
      which tables differ from the backup
  pgstow compare --json --dbname app app_2026-11-23_03-00-00.sql.gz
      the same for a program; docs/json.md says what it reads";

/// `doctor`
pub const DOCTOR: &str = "\
Examples:
  pgstow doctor --dbname app
      privileges, row security, timeouts, locks, poolers, the catalog, the store and the room in it
  pgstow doctor --json --dbname app_copy app_2026-11-23_03-00-00.sql.gz
      also whether this backup can be restored there: roles, extensions, encoding, locks, room";

/// `health`
pub const HEALTH: &str = "\
Examples:
  pgstow health
      exit code 0 when the newest verified backup is fresh and the last run succeeded, else 1
  pgstow health --max-age 8d --dbname app
      of one database, allowing eight days";

/// `completions`
pub const COMPLETIONS: &str = "\
Examples:
  pgstow completions bash > /etc/bash_completion.d/pgstow
      for everybody's bash
  pgstow completions fish > ~/.config/fish/completions/pgstow.fish
      for one's own fish";

/// `man`
pub const MAN: &str = "\
Examples:
  pgstow man backup | man -l -
      the page of one verb, read at once
  pgstow man --dir /usr/local/share/man/man1
      all pages, to stay";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_example_is_a_command_line_that_works() {
        let all = [
            BACKUP,
            RESTORE,
            LIST,
            CLEANUP,
            DUMP,
            VERIFY,
            SCHEDULE,
            COMPARE,
            DOCTOR,
            HEALTH,
            COMPLETIONS,
            MAN,
        ];
        for examples in all {
            let lines: Vec<&str> = examples.lines().filter(|l| l.contains("pgstow ")).collect();
            assert_eq!(lines.len(), 2, "{examples}");
            for line in lines {
                let (_, arguments) = line.split_once("pgstow ").expect("it was looked for");
                // What a pipe or a redirection gives to others is not for us.
                let arguments = arguments.split(['|', '>']).next().unwrap_or_default();
                // As a shell parts words: quotes keep spaces together.
                let words = arguments
                    .split('\'')
                    .enumerate()
                    .flat_map(|(number, part)| match number % 2 {
                        0 => part.split_whitespace().map(str::to_string).collect(),
                        _ => vec![part.to_string()],
                    });
                let parsed = Cli::try_parse_from(std::iter::once("pgstow".to_string()).chain(words));
                assert!(parsed.is_ok(), "{line}: {parsed:?}");
            }
        }
    }
}
