//! Backups off this machine: sent, checked, listed, restored from, deleted by the same rules, and unreadable there when
//! that is wanted.

mod age;
mod google;
mod secrets;
mod server;
mod webdav;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::{self, Db, Done, name, wait_until};
use server::{BUCKET, S3, SECRET_KEY};

/// A store here and a place off it.
struct Places {
    store: tempfile::TempDir,
    s3: S3,
}

impl Places {
    fn new() -> Places {
        Places {
            store: tempfile::tempdir().unwrap(),
            s3: S3::start(),
        }
    }

    fn url(&self) -> String {
        format!("s3://{BUCKET}/prod/app")
    }

    fn pgstow(&self, db: &Db, args: &[&str]) -> Command {
        let mut command = support::pgstow();
        db.env(&mut command)
            .env("BACKUP_DIR", self.store.path())
            .env("OFFSITE_URL", self.url())
            .args(args);
        self.s3.env(&mut command);
        command
    }

    fn run(&self, db: &Db, args: &[&str]) -> Done {
        support::run(&mut self.pgstow(db, args))
    }

    fn there(&self) -> Vec<PathBuf> {
        self.s3.objects("prod/app")
    }

    fn here(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = ["daily", "weekly"]
            .iter()
            .filter_map(|tier| std::fs::read_dir(self.store.path().join(tier)).ok())
            .flatten()
            .map(|e| e.unwrap().path())
            .collect();
        found.sort();
        found
    }
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).unwrap() == std::fs::read(b).unwrap()
}

/// A database with some rows, or with some 25 MB of them that hardly compress.
fn filled<'c>(server: &'c support::Cluster, rows: u32) -> Db<'c> {
    let db = server.database("offsite");
    db.execute(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, note text);
         INSERT INTO t SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 8) j)
         FROM generate_series(1, {rows}) i;"
    ));
    db
}

fn small(server: &support::Cluster) -> Db<'_> {
    filled(server, 100)
}

const DIGEST: &str = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t";

#[test]
fn a_backup_is_sent_listed_and_restored_from_there_alone() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    let done = places.run(&db, &["backup"]).ok();
    assert!(
        done.stderr
            .contains("[INFO] sent to s3://backups/prod/app/daily/"),
        "{done}"
    );
    assert!(done.stderr.contains("Backup created successfully: "), "{done}");
    assert!(!done.stderr.contains(SECRET_KEY), "{done}");
    let (here, there) = (places.here(), places.there());
    assert_eq!(here.len(), there.len(), "{done}");
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(name(here), name(there));
        assert!(same(here, there));
    }
    let list = places.run(&db, &["list", "--offsite"]).ok();
    assert!(
        list.stdout.contains(&name(&here[0])) && list.stdout.contains("verified"),
        "{list}"
    );

    // The machine is lost.
    std::fs::remove_dir_all(places.store.path().join("daily")).unwrap();
    let url = format!("{}/daily/{}", places.url(), name(&there[0]));
    let inside = places.run(&db, &["list", &url]).ok();
    assert!(inside.stdout.contains("100"), "{inside}");
    let verified = places.run(&db, &["verify", &url]).ok();
    assert!(verified.stdout.contains("every row proved"), "{verified}");
    let copy = server.database("offsite_copy");
    support::run(places.pgstow(&copy, &["restore", "--yes"]).arg(&url)).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));
}

#[test]
fn the_newest_one_there_is_found_for_a_restore() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.run(&db, &["backup"]).ok();
    std::thread::sleep(Duration::from_millis(1100));
    db.execute("INSERT INTO t VALUES (1000, 'later')");
    places.run(&db, &["backup"]).ok();
    // Whatever another program left half-way does not count.
    let newest = places
        .there()
        .into_iter()
        .rfind(|f| f.parent().unwrap().ends_with("daily"))
        .unwrap();
    let future = name(&newest).replace(".sql.gz", "").replace("_20", "_21") + ".sql.gz";
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(newest.with_file_name(future), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::remove_dir_all(places.store.path().join("daily")).unwrap();
    db.execute("DELETE FROM t");
    places
        .run(&db, &["restore", "--yes", "latest", "--from", "offsite"])
        .ok();
    assert_eq!(db.query_text("SELECT count(*) FROM t"), "101");
}

#[test]
fn one_there_that_is_dated_in_the_future_keeps_nothing_from_being_sent_or_found() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.run(&db, &["backup"]).ok();
    let first = places.there()[0].clone();
    let future = first.with_file_name(format!("{}_2099-01-01_03-00-00.sql.gz", db.name()));
    std::fs::copy(&first, &future).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    db.execute("INSERT INTO t VALUES (1000, 'later')");
    let done = places.run(&db, &["backup"]).ok();
    assert!(done.stderr.contains("dated later than now"), "{done}");
    let sent = places
        .here()
        .into_iter()
        .rfind(|f| f.parent().unwrap().ends_with("daily"));
    let sent = name(&sent.unwrap());
    assert!(places.there().iter().any(|f| name(f) == sent), "{done}");
    let list = places.run(&db, &["list", "--offsite"]).ok();
    assert!(list.stderr.contains("dated later than now"), "{list}");
    db.execute("DELETE FROM t");
    places
        .run(&db, &["restore", "--yes", "latest", "--from", "offsite"])
        .ok();
    assert_eq!(db.query_text("SELECT count(*) FROM t"), "101");
}

#[test]
fn large_backups_go_in_parts_and_bad_moments_of_the_server_are_waited_out() {
    let server = support::server(support::newest());
    let db = filled(server, 100_000);
    let places = Places::new();
    places.s3.moments.unavailable.store(4, Ordering::SeqCst);
    let done = places.run(&db, &["backup"]).ok();
    assert!(places.s3.moments.parts.load(Ordering::SeqCst) > 1, "{done}");
    assert!(same(&places.here()[0], &places.there()[0]));
    let url = format!("{}/daily/{}", places.url(), name(&places.there()[0]));
    places.run(&db, &["verify", &url]).ok();
    assert_eq!(places.s3.unfinished(), [] as [PathBuf; 0]);
}

#[test]
fn the_rules_hold_there_too_and_files_of_others_stay() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.run(&db, &["backup"]).ok();
    let first = places.there()[0].clone();
    let beside = |name: String| {
        let path = first.with_file_name(name);
        std::fs::copy(&first, &path).unwrap();
        path
    };
    let old = beside(format!("{}_2020-01-01_03-00-00.sql.gz", db.name()));
    let others = [
        beside(format!("{}_test_2020-01-01_03-00-00.sql.gz", db.name())),
        beside("notes.txt".into()),
    ];
    let dry = places.run(&db, &["cleanup", "--offsite", "--dry-run"]).ok();
    assert!(dry.stdout.contains("would delete") && old.exists(), "{dry}");
    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    assert!(!old.exists() && others.iter().all(|f| f.exists()), "{done}");
    assert!(
        done.stderr
            .contains("[INFO] deleted s3://backups/prod/app/daily/"),
        "{done}"
    );
}

#[test]
fn a_backup_that_cannot_be_sent_stands_here_is_told_and_made_up_for_later() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.run(&db, &["backup"]).ok();
    places.s3.moments.full.store(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1100));
    let failed = places.run(&db, &["backup"]);
    assert_eq!(failed.code, 1, "{failed}");
    assert!(
        failed.stderr.contains("Backup created successfully: "),
        "{failed}"
    );
    assert!(
        failed.stderr.contains(
            "[ERROR] the backup stands in the store, but is not off this machine: cannot write s3://"
        ),
        "{failed}"
    );
    let dailies = |files: Vec<PathBuf>| {
        files
            .iter()
            .filter(|f| f.parent().unwrap().ends_with("daily"))
            .count()
    };
    assert_eq!((dailies(places.here()), dailies(places.there())), (2, 1));
    let health = places.run(&db, &["health"]);
    assert_eq!(health.code, 1, "{health}");
    assert!(health.stderr.contains("not off this machine"), "{health}");
    places.s3.moments.full.store(0, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1100));
    places.run(&db, &["backup"]).ok();
    assert_eq!((dailies(places.here()), dailies(places.there())), (3, 3));
    places.run(&db, &["health"]).ok();
}

#[test]
fn the_daemon_tries_the_sending_again_and_makes_no_second_backup_for_it() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.s3.moments.full.store(1, Ordering::SeqCst);
    let mut command = places.pgstow(&db, &["schedule"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let journal = places.store.path().join(".pgstow-runs.json");
    wait_until("the failure is noted", || {
        std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("unsent"))
    });
    places.s3.moments.full.store(0, Ordering::SeqCst);
    wait_until("it is sent", || !places.there().is_empty());
    wait_until("the store is healthy", || places.run(&db, &["health"]).code == 0);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let done = Done::of(child).ok();
    assert_eq!(
        done.stderr.matches("Backup created successfully: ").count(),
        1,
        "{done}"
    );
    let dailies = places
        .here()
        .iter()
        .filter(|f| f.parent().unwrap().ends_with("daily"))
        .count();
    assert_eq!(dailies, 1, "{done}");
}

#[test]
fn a_backup_straight_to_there_touches_no_disk_here() {
    let server = support::server(support::newest());
    let db = filled(server, 100_000);
    let places = Places::new();
    let url = format!("s3://{BUCKET}/direct");
    let run = || {
        let mut command = places.pgstow(&db, &["backup", "--to", &url]);
        command
            .env_remove("OFFSITE_URL")
            .env("BACKUP_DIR", "/nonexistent");
        support::run(&mut command)
    };
    let done = run().ok();
    assert!(
        done.stderr.contains(&format!("written to {url}/daily/")),
        "{done}"
    );
    let there = places.s3.objects("direct");
    assert!(places.s3.moments.parts.load(Ordering::SeqCst) > 1);
    assert_eq!(places.here(), [] as [PathBuf; 0]);
    support::run(Command::new("gunzip").arg("-t").arg(&there[0])).ok();
    let copy = server.database("direct_copy");
    let file = format!("{url}/daily/{}", name(&there[0]));
    support::run(places.pgstow(&copy, &["restore", "--yes"]).arg(file)).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));
    // The second one finds its own name, whatever the clock says.
    let mut command = places.pgstow(&db, &["backup", "--globals", "--to", &url]);
    support::run(&mut command).ok();
    let dailies = places.s3.objects("direct/daily");
    assert_eq!(dailies.len(), 3, "{dailies:?}");
    let globals = dailies.iter().find(|f| name(f).starts_with("globals_")).unwrap();
    support::run(Command::new("gunzip").arg("-t").arg(globals)).ok();
}

#[test]
fn an_upload_cut_off_by_a_signal_leaves_nothing_there() {
    let server = support::server(support::newest());
    let db = filled(server, 150_000);
    let places = Places::new();
    let url = format!("s3://{BUCKET}/direct");
    let mut command = places.pgstow(&db, &["backup", "--to", &url, "--compress", "none"]);
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("parts arrive", || {
        places.s3.moments.parts.load(Ordering::SeqCst) > 0
    });
    let began = Instant::now();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let done = Done::of(child);
    assert!(
        began.elapsed() < Duration::from_millis(1200),
        "it took {:?}",
        began.elapsed()
    );
    assert_eq!(done.code, 143, "{done}");
    assert_eq!(places.s3.objects("direct"), [] as [PathBuf; 0]);
    assert_eq!(places.s3.moments.aborted.load(Ordering::SeqCst), 1, "{done}");
}

#[test]
fn a_copy_fetched_for_reading_is_gone_after_a_signal_and_after_kill_with_the_next_run() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = support::server(support::newest());
    let db = filled(server, 100_000);
    let places = Places::new();
    places.run(&db, &["backup"]).ok();
    let url = format!("{}/daily/{}", places.url(), name(&places.there()[0]));
    places.s3.moments.slow.store(1000, Ordering::SeqCst);
    let fetched = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(places.store.path()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        files.retain(|file| name(file).starts_with(".fetched."));
        files
    };
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, 137)] {
        let mut command = places.pgstow(&db, &["compare", &url]);
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        wait_until("it is being fetched", || {
            let files = fetched();
            files
                .iter()
                .any(|f| std::fs::metadata(f).is_ok_and(|meta| meta.len() > 0))
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        let done = Done::of(child);
        assert_eq!(done.code, code, "{done}");
        assert_eq!(fetched().len(), usize::from(signal == Signal::KILL), "{done}");
    }
    places.s3.moments.slow.store(0, Ordering::SeqCst);
    let done = places.run(&db, &["cleanup"]).ok();
    assert_eq!(fetched(), [] as [PathBuf; 0], "{done}");
}

#[test]
fn a_copy_that_is_not_what_was_sent_is_removed_and_told() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.s3.moments.corrupt.store(1, Ordering::SeqCst);
    let direct = format!("s3://{BUCKET}/direct");
    for args in [&["backup"][..], &["backup", "--to", &direct]] {
        let done = places.run(&db, args);
        assert_eq!(done.code, 4, "{done}");
        assert_eq!(places.s3.objects(""), [] as [PathBuf; 0], "{done}");
    }
    assert!(!places.here().is_empty());
    places.s3.moments.corrupt.store(0, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1100));
    places.run(&db, &["backup"]).ok();
    assert!(!places.there().is_empty());
}

#[test]
fn a_copy_that_could_not_be_checked_is_sent_again() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.s3.moments.unreadable.store(1, Ordering::SeqCst);
    let done = places.run(&db, &["backup"]);
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("is not off this machine: cannot read s3://"),
        "{done}"
    );
    // It did not arrive as it was sent, which nobody has seen yet.
    let unseen = places
        .there()
        .into_iter()
        .find(|f| f.parent().unwrap().ends_with("daily"));
    let unseen = unseen.unwrap();
    let mut bytes = std::fs::read(&unseen).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&unseen, bytes).unwrap();
    places.s3.moments.unreadable.store(0, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    let here = places.store.path().join("daily").join(name(&unseen));
    assert!(same(&here, &unseen), "{done}");
    // Once is enough.
    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    assert!(!done.stderr.contains(&name(&unseen)), "{done}");
    // Nor is a copy of another size than here taken for the same.
    std::fs::write(&unseen, "short").unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    assert!(same(&here, &unseen), "{done}");
}

#[test]
fn a_weekly_copy_there_that_fails_is_told_by_its_cause() {
    use pgstow::backup::{self, Destination, Job};
    use pgstow::connect::{Environment, Settings};
    use pgstow::event::{Observer, Silent};
    use pgstow::store::offsite::{Check, Offsite};
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.s3.moments.unreadable.store(1, Ordering::SeqCst);
    let environment = Environment::new(places.s3.settings());
    let offsite = Offsite::open(&places.url().parse().unwrap(), &environment).unwrap();
    let job = Job {
        clock: || "2026-11-22T03:00:00Z".parse().unwrap(),
        offsite: Some(Destination {
            offsite,
            recipients: Default::default(),
            check: Check::Size,
        }),
        ..Job::new(Settings::resolve(Some(&db.uri())).unwrap(), places.store.path())
    };
    let observer: std::sync::Arc<dyn Observer> = std::sync::Arc::new(Silent);
    let cancel = tokio_util::sync::CancellationToken::new();
    let run = backup::run(&job, &observer, &cancel);
    let made = tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
    let error = made.offsite.unwrap_err();
    assert_eq!(error.kind(), pgstow::error::Kind::Failed, "{error}");
    assert!(error.to_string().contains("cannot read s3://"), "{error}");
}

#[test]
fn a_copy_whose_check_was_cut_off_by_kill_is_not_taken_for_the_same_by_its_size() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    places.s3.moments.slow.store(60_000, Ordering::SeqCst);
    let mut child = places.pgstow(&db, &["backup"]).spawn().unwrap();
    wait_until("the copy is there", || !places.there().is_empty());
    let noted = places.store.path().join(".pgstow-sending");
    child.kill().unwrap();
    child.wait().unwrap();
    places.s3.moments.slow.store(0, Ordering::SeqCst);
    let there = places.there().remove(0);
    assert!(std::fs::read_to_string(&noted).unwrap().contains(&name(&there)));
    let mut bytes = std::fs::read(&there).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&there, bytes).unwrap();

    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    let here = places.here().into_iter().find(|here| name(here) == name(&there));
    assert!(same(&here.unwrap(), &there), "{done}");
    assert_eq!(std::fs::read_to_string(&noted).unwrap(), "", "{done}");
}

#[test]
fn an_upload_cut_off_by_kill_leaves_nothing_there_that_looks_whole() {
    let server = support::server(support::newest());
    let db = filled(server, 150_000);
    let places = Places::new();
    let mut child = places
        .pgstow(&db, &["backup", "--compress", "none"])
        .spawn()
        .unwrap();
    wait_until("parts arrive", || {
        places.s3.moments.parts.load(Ordering::SeqCst) > 0
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(places.there(), [] as [PathBuf; 0]);
    // What was on its way then is sent with the next one.
    std::thread::sleep(Duration::from_millis(1100));
    let done = places.run(&db, &["backup"]).ok();
    let (here, there) = (places.here(), places.there());
    assert!(here.len() >= 2, "{done}");
    assert_eq!(here.len(), there.len(), "{done}");
    assert!(
        here.iter().zip(&there).all(|(here, there)| same(here, there)),
        "{done}"
    );
}

#[test]
fn keys_come_from_files_and_wrong_ones_are_told() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    let secret = places.store.path().join("secret");
    std::fs::write(&secret, format!("{SECRET_KEY}\n")).unwrap();
    let url = places.store.path().join("url");
    std::fs::write(&url, places.url()).unwrap();
    let mut command = places.pgstow(&db, &["backup"]);
    command
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("OFFSITE_URL");
    command
        .env("AWS_SECRET_ACCESS_KEY_FILE", &secret)
        .env("OFFSITE_URL_FILE", &url);
    support::run(&mut command).ok();
    assert!(!places.there().is_empty());
    let mut command = places.pgstow(&db, &["list", "--offsite"]);
    let done = support::run(command.env("AWS_SECRET_ACCESS_KEY", "wrong"));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("cannot list s3://backups/prod/app/daily"),
        "{done}"
    );
    let done = support::run(places.pgstow(&db, &["backup"]).env("OFFSITE_URL", "/mnt/nas"));
    assert_eq!(done.code, 2, "{done}");
    assert!(done.stderr.contains("expected s3://bucket/prefix"), "{done}");
}

#[test]
fn a_directory_elsewhere_gets_files_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    let mount = tempfile::tempdir().unwrap();
    let url = format!("file://{}", mount.path().display());
    let with_url = |args: &[&str]| support::run(places.pgstow(&db, args).env("OFFSITE_URL", &url));
    with_url(&["backup"]).ok();
    let sent = mount.path().join("daily").join(name(&places.here()[0]));
    assert!(same(&places.here()[0], &sent));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&sent), mode(sent.parent().unwrap())), (0o600, 0o700));
    let list = with_url(&["list", "--offsite"]).ok();
    assert!(list.stdout.contains("verified"), "{list}");
    // Not mounted any more.
    let gone = mount.path().to_path_buf();
    drop(mount);
    let done = with_url(&["backup"]);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("does not exist") && !gone.exists(), "{done}");
}
