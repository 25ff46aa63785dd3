//! Backups as operators make them: into the store, on a schedule, on bad days.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{Datelike, NaiveDateTime, Utc, Weekday};

use crate::support::{self, Cluster, Db, Done, Setup};

/// Rows enough for a COPY that can be interrupted: some 25 MB that hardly compress.
const LARGE: &str = "CREATE TABLE large (a text);
    INSERT INTO large SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 8000) i,
    generate_series(1, 100) j GROUP BY i;";

/// A store of a test.
struct Store(tempfile::TempDir);

impl Store {
    fn new() -> Store {
        Store(tempfile::tempdir().unwrap())
    }

    fn pgstow(&self, db: &Db, args: &[&str]) -> Command {
        let mut command = support::pgstow();
        db.env(&mut command).env("BACKUP_DIR", self.0.path()).args(args);
        command
    }

    fn backup(&self, db: &Db) -> Done {
        support::run(&mut self.pgstow(db, &["backup"]))
    }

    /// Every file below the store but its lock and its journal, unfinished ones too.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for tier in ["daily", "weekly"] {
            if let Ok(entries) = std::fs::read_dir(self.0.path().join(tier)) {
                files.extend(entries.map(|e| e.unwrap().path()));
            }
        }
        files.sort();
        files
    }

    fn daily(&self) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|f| f.parent().unwrap().ends_with("daily"));
        files
    }

    /// The size of the file being written, if there is one.
    fn unfinished(&self) -> Option<u64> {
        let temporary = self.files().into_iter().find(|f| name(f).ends_with("-tmp"))?;
        std::fs::metadata(temporary).ok().map(|meta| meta.len())
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_string()
}

fn start(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgstow can be run")
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits until something holds; panics after a minute.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn small(server: &Cluster) -> Db<'_> {
    let db = server.database("ops");
    db.execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'a'), (2, NULL);",
    );
    db
}

#[test]
fn a_backup_has_the_old_script_s_name_and_log_line_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let before = Utc::now();
    let done = store.backup(&db).ok();
    assert!(
        done.stderr.contains("\n[INFO] Backup created successfully: "),
        "{done}"
    );
    let [file] = &store.daily()[..] else {
        panic!("{done}")
    };
    let stem = name(file);
    let time = stem
        .strip_prefix(&format!("{}_", db.name()))
        .unwrap()
        .strip_suffix(".sql.gz")
        .unwrap();
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d_%H-%M-%S")
        .unwrap()
        .and_utc();
    assert!((time - before).num_seconds().abs() < 60, "{stem}");
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let weekly = store.files().len() - 1;
    assert_eq!(weekly, usize::from(time.weekday() == Weekday::Sun));
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_end_a_backup() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = store.pgstow(&db, &["backup"]);
    let status = command.stderr(writer).status().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(store.daily().len(), 1);
}

#[test]
fn a_backup_is_listed_healthy_and_restores_by_psql() {
    let server = support::server(support::newest());
    let db = small(server);
    let store = Store::new();
    store.backup(&db).ok();
    let list = support::run(&mut store.pgstow(&db, &["list"])).ok();
    assert!(
        list.stdout.lines().nth(1).unwrap().ends_with("1     2  verified"),
        "{list}"
    );
    let inside = support::run(store.pgstow(&db, &["list"]).arg(&store.daily()[0])).ok();
    assert!(inside.stdout.contains("users"), "{inside}");
    support::run(&mut store.pgstow(&db, &["health"])).ok();

    let unpacked = support::run(Command::new("gunzip").arg("-c").arg(&store.daily()[0])).ok();
    let copy = server.database("copy");
    copy.execute(&unpacked.stdout);
    assert_eq!(copy.query_text("SELECT * FROM users ORDER BY 1"), "1|a\n2|");
}

#[test]
fn owners_and_privileges_stay_out_unless_asked_for() {
    let db = small(support::server(support::newest()));
    db.execute("GRANT SELECT ON users TO PUBLIC");
    for (args, expected) in [(vec![], false), (vec!["--owners", "--privileges"], true)] {
        let store = Store::new();
        support::run(store.pgstow(&db, &["backup"]).args(args)).ok();
        let text = support::run(Command::new("gunzip").arg("-c").arg(&store.daily()[0]))
            .ok()
            .stdout;
        assert!(text.contains("DROP TABLE IF EXISTS public.users"), "{text}");
        assert_eq!(text.contains("OWNER TO"), expected, "{text}");
        assert_eq!(text.contains("GRANT"), expected, "{text}");
    }
}

#[test]
fn old_backups_go_only_after_a_good_one() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let old = first.with_file_name(format!("{}_2020-01-01_03-00-00.sql.gz", db.name()));
    std::fs::copy(&first, &old).unwrap();
    let failed = support::run(store.pgstow(&db, &["backup"]).env("PGPORT", "1"));
    assert_eq!(failed.code, 1, "{failed}");
    assert!(old.exists(), "a failed backup deleted an old one: {failed}");
    let done = store.backup(&db).ok();
    assert!(!old.exists() && first.exists(), "{done}");
    assert!(done.stderr.contains("days old, KEEP_DAILY=7"), "{done}");
}

#[test]
fn a_backup_that_shrank_is_kept_and_nothing_is_deleted() {
    let server = support::server(support::newest());
    let db = small(server);
    db.execute("CREATE TABLE much AS SELECT md5(i::text) FROM generate_series(1, 20000) i");
    let store = Store::new();
    store.backup(&db).ok();
    let first = store.daily()[0].clone();
    let old = ["2020-01-01", "2020-01-02"]
        .map(|day| first.with_file_name(format!("{}_{day}_03-00-00.sql.gz", db.name())));
    for old in &old {
        std::fs::copy(&first, old).unwrap();
    }
    db.execute("TRUNCATE much");
    let done = store.backup(&db).ok();
    assert!(done.stderr.contains("[WARN] the backup has "), "{done}");
    assert!(old.iter().all(|f| f.exists()), "{done}");
    assert_eq!(store.daily().len(), 4, "{done}");
}

/// Runs a backup that must fail, with some text in its error, leaving no file at all.
#[track_caller]
fn refused(store: &Store, command: &mut Command, texts: &[&str]) -> Done {
    let done = support::run(command);
    assert_eq!(done.code, 1, "{done}");
    for text in texts {
        assert!(done.stderr.contains(text), "{text:?} is missing: {done}");
    }
    assert!(!done.stderr.contains("successfully"), "{done}");
    assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
    done
}

#[test]
fn no_server_is_told_with_its_address() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("PGPORT", "1"),
        &["127.0.0.1:1", "refused"],
    );
}

#[test]
fn a_wrong_password_is_told_with_the_role() {
    let hba = "local all all trust\nhost all all all scram-sha-256\n";
    let server = Cluster::start(
        support::newest(),
        &Setup {
            hba: Some(hba),
            ..Setup::default()
        },
    );
    let db = server.postgres();
    db.execute("CREATE ROLE app LOGIN PASSWORD 'right'");
    let store = Store::new();
    let command = |password| {
        let mut command = store.pgstow(&db, &["backup"]);
        command.envs([("PGUSER", "app"), ("PGPASSWORD", password)]);
        command
    };
    let done = refused(&store, &mut command("very wrong"), &["password", "app"]);
    assert!(
        !done.stderr.contains("very wrong"),
        "the password is in the log: {done}"
    );
    support::run(&mut command("right")).ok();
}

#[test]
fn a_missing_database_is_told_by_name() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    refused(
        &store,
        &mut store.pgstow(&db, &["backup", "--dbname", "no_such_db"]),
        &["no_such_db", "does not exist"],
    );
}

#[test]
fn a_table_that_may_not_be_read_fails_the_backup_and_is_named() {
    let db = small(support::server(support::newest()));
    let role = format!("{}_reader", db.name());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; CREATE TABLE secret_things (a int);
         GRANT SELECT ON users TO {role};"
    ));
    let store = Store::new();
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("PGUSER", &role),
        &["secret_things", "permission denied"],
    );
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_missing_backup_directory_is_told_and_not_made() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let missing = store.0.path().join("not mounted");
    refused(
        &store,
        store.pgstow(&db, &["backup"]).env("BACKUP_DIR", &missing),
        &["not mounted does not exist", "hint: Create it"],
    );
    assert!(!missing.exists());
}

#[test]
fn a_server_that_dies_during_copy_leaves_no_file() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = server.database("large");
    db.execute(LARGE);
    let store = Store::new();
    let child = start(&mut store.pgstow(&db, &["backup"]));
    wait_until("rows are written", || {
        store.unfinished().is_some_and(|size| size > 1 << 20)
    });
    server.crash();
    let done = Done::of(child);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("[ERROR] "), "{done}");
    assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
}

#[test]
fn ctrl_c_and_sigterm_during_copy_leave_no_file_and_no_session() {
    use rustix::process::Signal;
    let server = support::server(support::newest());
    let db = server.database("large");
    db.execute(LARGE);
    for (number, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let store = Store::new();
        let child = start(store.pgstow(&db, &["backup"]).env("PGAPPNAME", "interrupted"));
        wait_until("rows are written", || {
            store.unfinished().is_some_and(|size| size > 1 << 20)
        });
        let began = Instant::now();
        signal(&child, number);
        let done = Done::of(child);
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "it took {:?}",
            began.elapsed()
        );
        assert_eq!(done.code, code, "{done}");
        assert_eq!(store.files(), [] as [PathBuf; 0], "{done}");
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'interrupted'";
        wait_until("its sessions end", || {
            server.postgres().query_text(sessions) == "0"
        });
    }
}

#[test]
fn a_killed_run_leaves_nothing_that_looks_finished_and_the_next_one_tidies_up() {
    let server = support::server(support::newest());
    let db = server.database("large");
    db.execute(LARGE);
    let store = Store::new();
    let mut child = start(&mut store.pgstow(&db, &["backup"]));
    wait_until("rows are written", || {
        store.unfinished().is_some_and(|size| size > 1 << 20)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        store.files().iter().all(|f| name(f).starts_with('.')),
        "{:?}",
        store.files()
    );
    let done = store.backup(&db).ok();
    assert!(
        done.stderr
            .contains("[WARN] removed what a killed run had left unfinished"),
        "{done}"
    );
    assert_eq!(store.daily().len(), 1, "{done}");
}

#[test]
fn a_daemon_killed_at_any_moment_loses_no_backup_and_leaves_none_that_is_not_whole() {
    let db = small(support::server(support::newest()));
    db.execute("CREATE TABLE plenty AS SELECT i, md5(i::text) FROM generate_series(1, 50000) i");
    let store = Store::new();
    let began = Instant::now();
    store.backup(&db).ok();
    let usual = began.elapsed();
    let mut whole = 1;
    for cycle in 0..24 {
        let mut child = start(&mut store.pgstow(&db, &["schedule"]));
        // From before it connects until after it has finished.
        std::thread::sleep(usual * cycle / 16);
        child.kill().unwrap();
        child.wait().unwrap();
        let finished: Vec<_> = store
            .daily()
            .into_iter()
            .filter(|f| !name(f).starts_with('.'))
            .collect();
        assert!(
            finished.len() >= whole,
            "cycle {cycle}: a finished backup is gone"
        );
        whole = finished.len();
        let list = support::run(&mut store.pgstow(&db, &["list", "--json"])).ok();
        assert_eq!(
            list.stdout.matches("\"verified\"").count(),
            store_entries(&list),
            "{list}"
        );
    }
    for file in store.daily().iter().filter(|f| !name(f).starts_with('.')) {
        support::run(store.pgstow(&db, &["verify"]).arg(file)).ok();
    }
    store.backup(&db).ok();
    assert!(
        store.files().iter().all(|f| !name(f).ends_with("-tmp")),
        "{:?}",
        store.files()
    );
}

fn store_entries(list: &Done) -> usize {
    let json: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    json.as_array().unwrap().len()
}

#[test]
fn a_second_backup_into_the_same_store_waits_or_is_refused() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let lock = std::fs::File::create(store.0.path().join(".pgstow.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let done = store.backup(&db);
    assert_eq!(done.code, 5, "{done}");
    let child = start(&mut store.pgstow(&db, &["backup", "--lock-wait", "60s"]));
    std::thread::sleep(Duration::from_millis(200));
    drop(lock);
    Done::of(child).ok();
    assert_eq!(store.daily().len(), 1);
}

#[test]
fn a_database_of_any_name_is_backed_up_under_a_file_name_that_says_it() {
    let server = support::server(support::newest());
    let db = server.database_named("odd/ \"name\" .. ü");
    let store = Store::new();
    store.backup(&db).ok();
    let file = name(&store.daily()[0]);
    assert!(file.starts_with("odd%2F%20%22name%22%20..%20%C3%BC_2"), "{file}");
    let list = support::run(&mut store.pgstow(&db, &["list"])).ok();
    assert!(list.stdout.contains(db.name()), "{list}");
}

#[test]
fn one_database_that_fails_does_not_keep_the_others_from_their_backup() {
    let server = support::server(support::newest());
    let (first, second) = (small(server), small(server));
    let store = Store::new();
    let list = format!("{}, no_such_db,{}", first.name(), second.name());
    let done = support::run(store.pgstow(&first, &["backup"]).env("PGDATABASE", list));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("[ERROR] no_such_db: "), "{done}");
    assert!(
        done.stderr
            .ends_with("[ERROR] 1 of 3 backups failed: no_such_db\n"),
        "{done}"
    );
    for db in [&first, &second] {
        let mine = store
            .daily()
            .iter()
            .filter(|f| name(f).starts_with(db.name()))
            .count();
        assert_eq!(mine, 1, "{done}");
        support::run(&mut store.pgstow(db, &["health"])).ok();
    }
    assert_eq!(
        support::run(&mut store.pgstow(&server.database_named("no_such_db"), &["health"])).code,
        1
    );
}

#[test]
fn all_databases_are_backed_up_but_templates() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let (one, two) = (small(&server), small(&server));
    let store = Store::new();
    support::run(&mut store.pgstow(&one, &["backup", "--all-databases"])).ok();
    let files = store.daily();
    let found: Vec<bool> = [one.name(), two.name(), "postgres", "template1"]
        .iter()
        .map(|db| files.iter().any(|f| name(f).starts_with(&format!("{db}_2"))))
        .collect();
    assert_eq!(found, [true, true, true, false], "{files:?}");
}

/// What pg_dumpall says of roles and tablespaces, less what differs between any two servers.
fn globals_of(server: &Cluster) -> String {
    let mut pg_dumpall = support::pg_dumpall();
    server
        .env(&mut pg_dumpall, "postgres")
        .args(["--globals-only", "--restrict-key=x"]);
    support::run(&mut pg_dumpall).ok().stdout
}

#[test]
fn roles_memberships_settings_and_tablespaces_come_back_on_another_server() {
    for major in support::majors() {
        let (source, target) = (
            Cluster::start(major, &Setup::default()),
            Cluster::start(major, &Setup::default()),
        );
        let db = small(&source);
        db.execute(
            "CREATE ROLE team; COMMENT ON ROLE team IS 'it''s a \\ team';
             CREATE ROLE \"Odd \"\"name$pgstow$\" LOGIN PASSWORD 'secret' CONNECTION LIMIT 3 VALID UNTIL '2031-02-03 04:05:06+07';
             CREATE ROLE boss SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS NOINHERIT;
             CREATE ROLE lead; CREATE ROLE junior;
             GRANT team TO lead WITH ADMIN OPTION;
             SET ROLE lead; GRANT team TO junior; RESET ROLE;
             GRANT pg_monitor TO junior;
             ALTER ROLE junior SET search_path = \"$user\", 'my schema', public;
             ALTER ROLE junior SET work_mem = '7MB';
             ALTER ROLE ALL SET lock_timeout = '9s';",
        );
        if major >= 15 {
            db.execute("GRANT SET ON PARAMETER log_min_messages TO junior WITH GRANT OPTION");
        }
        let store = Store::new();
        let done = support::run(&mut store.pgstow(&db, &["backup", "--globals"])).ok();
        let files = store.daily();
        let globals = files.iter().find(|f| name(f).starts_with("globals_2")).unwrap();
        assert_eq!(files.len(), 2, "{done}");
        support::run(store.pgstow(&db, &["verify"]).arg(globals)).ok();
        let mut restore = support::pgstow();
        target
            .env(&mut restore, "postgres")
            .args(["restore", "--yes"])
            .arg(globals);
        support::run(&mut restore).ok();
        assert_eq!(globals_of(&source), globals_of(&target));
        let setting = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0";
        assert_eq!(target.postgres().query_text(setting), "{lock_timeout=9s}");
    }
}

#[test]
fn tablespaces_are_written_as_pg_dumpall_writes_them() {
    use std::os::unix::fs::MetadataExt;
    let source = Cluster::start(support::newest(), &Setup::default());
    let owner = std::fs::metadata(source.socket_dir()).unwrap();
    let place = |name: &str| {
        let path = source.socket_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        path.display().to_string()
    };
    let db = small(&source);
    for statement in [
        "CREATE ROLE keeper".to_string(),
        format!(
            "CREATE TABLESPACE \"fast disk\" OWNER keeper LOCATION '{}'",
            place("fast")
        ),
        format!("CREATE TABLESPACE slow LOCATION '{}'", place("slow")),
        "ALTER TABLESPACE slow SET (random_page_cost = 9.5, seq_page_cost = 2)".to_string(),
        "COMMENT ON TABLESPACE slow IS 'it''s slow'".to_string(),
        "GRANT CREATE ON TABLESPACE slow TO keeper WITH GRANT OPTION".to_string(),
        "REVOKE ALL ON TABLESPACE \"fast disk\" FROM keeper".to_string(),
    ] {
        db.execute(&statement);
    }
    let store = Store::new();
    support::run(&mut store.pgstow(&db, &["backup", "--globals"])).ok();
    let files = store.daily();
    let globals = files.iter().find(|f| name(f).starts_with("globals_2")).unwrap();
    let ours = support::run(Command::new("gunzip").arg("-c").arg(globals))
        .ok()
        .stdout;
    let lines = |text: &str| {
        // pg_dumpall sets all options at once, quotes numbers not, and says ALL for the only privilege there is.
        let text = text
            .replace(" = ", "=")
            .replace(", seq_page_cost", ");\nALTER TABLESPACE slow SET (seq_page_cost")
            .replace("='9.5'", "=9.5")
            .replace("='2'", "=2")
            .replace("GRANT ALL ON", "GRANT CREATE ON");
        let mut lines: Vec<String> = text
            .lines()
            .filter(|l| l.contains("TABLESPACE"))
            .map(str::to_string)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours), lines(&globals_of(&source)));
}

#[test]
fn globals_without_the_right_to_read_passwords_say_who_may() {
    let db = small(support::server(support::newest()));
    let role = format!("{}_plain", db.name());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ON users TO {role}"
    ));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["backup", "--globals"]).env("PGUSER", &role));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("[ERROR] (roles and tablespaces): "),
        "{done}"
    );
    assert!(
        done.stderr
            .contains("hint: Roles' passwords can be read by superusers only"),
        "{done}"
    );
    assert_eq!(store.daily().len(), 1, "the database's own backup stands: {done}");
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn the_daemon_backs_up_at_the_start_and_on_sighup_and_ends_within_a_second() {
    use rustix::process::Signal;
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let child = start(store.pgstow(&db, &["schedule"]).env("SCHEDULE", "0 0 29 2 *"));
    wait_until("the first backup", || {
        store.daily().iter().any(|f| !name(f).starts_with('.'))
    });
    signal(&child, Signal::HUP);
    let finished = || store.daily().iter().filter(|f| !name(f).starts_with('.')).count();
    wait_until("the second backup", || finished() == 2);
    wait_until("its journal", || {
        let journal = std::fs::read_to_string(store.0.path().join(".pgstow-runs.json"));
        journal.is_ok_and(|text| text.matches("succeeded").count() == 2)
    });
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    signal(&child, Signal::TERM);
    let done = Done::of(child);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        began.elapsed()
    );
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(
        done.stderr.matches("Backup created successfully: ").count(),
        2,
        "{done}"
    );
    assert!(
        done.stderr
            .contains("[INFO] next backup at 2028-02-29 00:00:00 UTC"),
        "{done}"
    );
    assert!(done.stderr.contains("[INFO] running now, as asked"), "{done}");
}

#[test]
fn the_daemon_outlives_a_server_that_is_away_and_tries_again() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = small(&server);
    let store = Store::new();
    server.crash();
    let child = start(&mut store.pgstow(&db, &["schedule"]));
    let journal = store.0.path().join(".pgstow-runs.json");
    wait_until("the first failure", || journal.exists());
    let health = support::run(&mut store.pgstow(&db, &["health"]));
    assert_eq!(health.code, 1, "{health}");
    server.start_again();
    wait_until("a backup", || {
        store.daily().iter().any(|f| !name(f).starts_with('.'))
    });
    signal(&child, rustix::process::Signal::TERM);
    let done = Done::of(child);
    assert!(done.stderr.contains("[INFO] trying again at "), "{done}");
}

/// Status line and body of an answer.
fn get(port: u16, path: &str) -> Option<(String, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_string(), body.to_string()))
}

#[test]
fn the_daemon_tells_its_state_over_http() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let db = small(&server);
    let store = Store::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    server.crash();
    let child = start(
        store
            .pgstow(&db, &["schedule"])
            .env("HTTP_ADDR", format!("127.0.0.1:{port}")),
    );
    wait_until("it is ill", || {
        get(port, "/healthz").is_some_and(|(status, body)| {
            status.ends_with("503 Service Unavailable") && body.contains("no verified backup")
        })
    });
    server.start_again();
    wait_until("it is well", || {
        get(port, "/healthz").is_some_and(|(_, body)| body == "healthy\n")
    });
    let (_, metrics) = get(port, "/metrics").unwrap();
    for expected in [
        "pgstow_healthy 1".to_string(),
        "pgstow_next_run_timestamp_seconds 1".to_string(),
        format!("pgstow_last_backup_rows{{database=\"{}\"}} 2", db.name()),
        format!("pgstow_consecutive_failures{{database=\"{}\"}} 0", db.name()),
        format!("pgstow_last_run_success{{database=\"{}\"}} 1", db.name()),
    ] {
        assert!(metrics.contains(&expected), "{expected}: {metrics}");
    }
    let (status, page) = get(port, "/").unwrap();
    assert!(status.ends_with("200 OK"), "{status}");
    assert!(
        page.contains("Backups are in order") && page.contains("newest verified backup of its database"),
        "{page}"
    );
    assert!(page.contains("refused") && !page.contains("<script"), "{page}");
    assert!(get(port, "/etc/passwd").unwrap().0.contains("404"));
    signal(&child, rustix::process::Signal::TERM);
    Done::of(child).ok();
}

/// A server that takes requests: path and body of each come out.
fn listen() -> (String, std::sync::mpsc::Receiver<(String, String)>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let (head, body) = loop {
                let n = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..n]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|l| l.lines().next()?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let all = String::from_utf8(request.clone()).unwrap();
                    let (head, body) = all.split_once("\r\n\r\n").unwrap();
                    break (head.to_string(), body.to_string());
                }
            };
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            let path = head.split_whitespace().nth(1).unwrap().to_string();
            if tell.send((path, body)).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

#[test]
fn others_are_told_how_a_backup_went() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let (url, requests) = listen();
    let notified = |args: &[&str]| {
        let mut command = store.pgstow(&db, args);
        command.env("WEBHOOK_URL", format!("{url}/good?token=secret"));
        command.env("WEBHOOK_ERROR_URL", format!("{url}/bad"));
        command.env("PING_URL", format!("{url}/ping/uuid"));
        support::run(&mut command)
    };
    let next = || requests.recv_timeout(Duration::from_secs(20)).unwrap();
    notified(&["backup"]).ok();
    assert_eq!(next().0, "/ping/uuid/start");
    let (path, body) = next();
    assert_eq!(path, "/good?token=secret");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["event"], &body["rows"]),
        (&"success".into(), &2.into()),
        "{body}"
    );
    assert_eq!(next().0, "/ping/uuid");

    assert_eq!(notified(&["backup", "--port", "1"]).code, 1);
    assert_eq!(next().0, "/ping/uuid/start");
    let (path, body) = next();
    assert_eq!(path, "/bad");
    assert!(body.contains("refused"), "{body}");
    let (path, body) = next();
    assert_eq!(path, "/ping/uuid/fail");
    assert!(body.contains("refused"), "{body}");
}

#[test]
fn a_service_that_cannot_be_told_fails_no_backup_and_its_secret_stays_out_of_the_log() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(
        store
            .pgstow(&db, &["backup"])
            .env("WEBHOOK_URL", "http://127.0.0.1:1/secret"),
    )
    .ok();
    assert!(done.stderr.contains("[WARN] cannot tell 127.0.0.1: "), "{done}");
    assert!(!done.stderr.contains("secret"), "{done}");
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused_at_the_start() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["schedule"]).env("SCHEDULE", "every day"));
    assert_eq!(done.code, 2, "{done}");
    assert!(
        done.stderr.contains("the schedule \"every day\" makes no sense"),
        "{done}"
    );
}

#[test]
fn log_lines_can_be_json() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["backup"]).env("LOG_FORMAT", "json")).ok();
    let last: serde_json::Value = serde_json::from_str(done.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "INFO");
    assert!(
        last["message"]
            .as_str()
            .unwrap()
            .starts_with("Backup created successfully: "),
        "{done}"
    );
    let failed = support::run(
        store
            .pgstow(&db, &["backup"])
            .envs([("LOG_FORMAT", "json"), ("PGPORT", "1")]),
    );
    let last: serde_json::Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["level"], "ERROR");
}
