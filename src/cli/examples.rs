//! What stands at the end of each verb's `--help`: two examples, and its exit codes. A test parses the examples, so that
//! none can go out of date.

/// A line about an exit code.
macro_rules! code {
    (done) => {
        "\n    0  done"
    };
    (proved) => {
        "\n    0  whole; with --test-restore: every row came back"
    };
    (equal) => {
        "\n    0  equal"
    };
    (fine) => {
        "\n    0  nothing would fail"
    };
    (healthy) => {
        "\n    0  healthy"
    };
    (ended) => {
        "\n    0  stopped by SIGTERM or SIGINT while it waited"
    };
    (failed) => {
        "\n    1  failed, nothing changed"
    };
    (no_backup) => {
        "\n    1  a backup failed, or could not be sent off the machine; the earlier ones stand"
    };
    (no_file) => {
        "\n    1  failed; there is no file, or the one that was there before"
    };
    (differs) => {
        "\n    1  they differ, or cannot be compared"
    };
    (would_fail) => {
        "\n    1  something would fail"
    };
    (ill) => {
        "\n    1  not healthy: stale, failed or unverified"
    };
    (usage) => {
        "\n    2  usage: the command line or a setting makes no sense"
    };
    (rolled_back) => {
        "\n    3  the script failed on the server and was rolled back"
    };
    (damaged) => {
        "\n    4  the file is damaged"
    };
    (not_proved) => {
        "\n    4  the file is damaged, or does not restore to what it says"
    };
    (unreadable) => {
        "\n    4  what was written could not be read back; it is thrown away"
    };
    (locked) => {
        "\n    5  another run is using the store"
    };
    (stopped) => {
        "\n  130  stopped by SIGINT (143: SIGTERM)"
    };
    (terminated) => {
        "\n  143  stopped by SIGTERM in the middle of a backup (130: SIGINT)"
    };
}

/// Examples, then exit codes.
macro_rules! help {
    ($examples:literal, $($code:ident)*) => { concat!($examples, "\n\nExit codes:", $(code!($code)),*) };
}

/// `backup`
pub const BACKUP: &str = help!(
    "\
Examples:
  pgstow backup --dbname app --backup-dir /var/backups/app
      one database, by the server's socket, into daily/app_<time>.sql.gz
  PGHOST=db PGUSER=app PGPASSWORD_FILE=/run/secrets/db pgstow backup --all-databases --globals
      everything a server has; each database into its own file",
    done no_backup usage unreadable locked stopped
);

/// `restore`
pub const RESTORE: &str = help!(
    "\
Examples:
  pgstow restore --dbname app latest
      the newest verified backup of app, over what is there; asks first
  pgstow restore --dbname postgresql://app@db/app_copy --yes app_2026-11-23_03-00-00.sql.gz
      a backup by its name in the store or its path, into another database, without asking",
    done failed usage rolled_back damaged stopped
);

/// `list`
pub const LIST: &str = help!(
    "\
Examples:
  pgstow list
      the backups in the store: age, size, rows, whether they are whole
  pgstow list --json app_2026-11-23_03-00-00.sql.gz
      the tables in one of them, for a program",
    done failed usage damaged stopped
);

/// `cleanup`
pub const CLEANUP: &str = help!(
    "\
Examples:
  pgstow cleanup --dry-run
      what would be deleted, and why the rest stays
  pgstow cleanup --keep-daily 14 --keep-monthly 6
      with other rules than those of the environment",
    done failed usage locked stopped
);

/// `dump`
pub const DUMP: &str = help!(
    "\
Examples:
  pgstow dump --dbname app --file app.sql.gz
      like pg_dump, several connections at once
  pgstow dump --dbname app --compress none
      plain SQL on standard output, for a pipe",
    done no_file usage unreadable stopped
);

/// `verify`
pub const VERIFY: &str = help!(
    "\
Examples:
  pgstow verify app_2026-11-23_03-00-00.sql.gz
      every row of it against the sums in its index; exit code 4 when it is damaged
  pgstow verify --test-restore --dbname app app_2026-11-23_03-00-00.sql.gz
      restored into a scratch database on that server, every table compared, dropped again",
    proved failed usage rolled_back not_proved stopped
);

/// `schedule`
pub const SCHEDULE: &str = help!(
    "\
Examples:
  pgstow schedule --schedule '0 3 * * *' --time-zone Europe/Berlin
      a backup now, then every night at three
  pgstow schedule --schedule '@every 6h' --http-addr 127.0.0.1:8080
      every six hours, with /healthz, /metrics and a page

SIGHUP: a backup now. SIGTERM: the end, within a second.",
    ended failed usage terminated
);

/// `compare`
pub const COMPARE: &str = help!(
    "\
Examples:
  pgstow compare --dbname app app_2026-11-23_03-00-00.sql.gz
      which tables differ from the backup
  pgstow compare --json --dbname app app_2026-11-23_03-00-00.sql.gz
      the same for a program; docs/json.md says what it reads",
    equal differs usage damaged stopped
);

/// `doctor`
pub const DOCTOR: &str = help!(
    "\
Examples:
  pgstow doctor --dbname app
      privileges, row security, timeouts, locks, poolers, the catalog, the store and the room in it
  pgstow doctor --json --dbname app_copy app_2026-11-23_03-00-00.sql.gz
      also whether this backup can be restored there: roles, extensions, encoding, locks, room",
    fine would_fail usage damaged stopped
);

/// `health`
pub const HEALTH: &str = help!(
    "\
Examples:
  pgstow health
      exit code 0 when the newest verified backup is fresh and the last run succeeded, else 1
  pgstow health --max-age 8d --dbname app
      of one database, allowing eight days",
    healthy ill usage
);

/// `completions`
pub const COMPLETIONS: &str = help!(
    "\
Examples:
  pgstow completions bash > /etc/bash_completion.d/pgstow
      for everybody's bash
  pgstow completions fish > ~/.config/fish/completions/pgstow.fish
      for one's own fish",
    done failed usage
);

/// `man`
pub const MAN: &str = help!(
    "\
Examples:
  pgstow man backup | man -l -
      the page of one verb, read at once
  pgstow man --dir /usr/local/share/man/man1
      all pages, to stay",
    done failed usage
);

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
