//! `gs://`, by Google's XML interface. The server is not Google's ([`super::server`]), so what is theirs alone, their tokens
//! above all, is not tried here.

use std::sync::atomic::Ordering;

use super::server::{BUCKET, S3};
use super::{DIGEST, filled};
use crate::support::{self, name, run};

#[test]
fn backups_go_to_google_s_interface_in_parts_and_come_back() {
    let server = support::server(support::newest());
    let db = filled(server, 100_000);
    let there = S3::start_open();
    let store = tempfile::tempdir().unwrap();
    let key = serde_json::json!({
        "disable_oauth": true, "gcs_base_url": there.url(), "client_email": "", "private_key": "", "private_key_id": ""
    });
    let pgstow = |args: &[&str]| {
        let mut command = support::pgstow();
        db.env(&mut command)
            .env("BACKUP_DIR", store.path())
            .env("OFFSITE_URL", format!("gs://{BUCKET}/prod"))
            .env("GOOGLE_SERVICE_ACCOUNT_KEY", key.to_string())
            .args(args);
        command
    };
    let done = run(&mut pgstow(&["backup"])).ok();
    assert!(
        done.stderr.contains("[INFO] sent to gs://backups/prod/daily/"),
        "{done}"
    );
    assert!(there.moments.parts.load(Ordering::SeqCst) > 1, "{done}");
    let sent = name(&there.objects("prod/daily")[0]);
    let list = run(&mut pgstow(&["list", "--offsite"])).ok();
    assert!(list.stdout.contains(&sent), "{list}");

    // The machine is lost.
    std::fs::remove_dir_all(store.path().join("daily")).unwrap();
    let copy = server.database("google_copy");
    let mut restore = pgstow(&["restore", "--yes", "--dbname", &copy.uri(), "--from", "offsite"]);
    run(restore.arg(format!("daily/{sent}"))).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));

    // Straight there, and what is too old goes.
    let kept = there.objects("prod/daily")[0].clone();
    let old = kept.with_file_name(sent.replace(&sent[sent.len() - 26..sent.len() - 16], "2020-01-01"));
    std::fs::copy(&kept, &old).unwrap();
    let direct = run(&mut pgstow(&["backup", "--to", &format!("gs://{BUCKET}/prod")])).ok();
    assert!(!old.exists(), "{direct}");
    assert_eq!(there.objects("prod/daily").len(), 2, "{direct}");
}
