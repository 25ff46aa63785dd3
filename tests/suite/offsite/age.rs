//! What leaves the machine is readable only with a key that is not on it; `age` itself is the judge.

use std::path::Path;

use super::{DIGEST, Places, name, small};
use crate::support;

/// An identity's file and its recipient, made by `age-keygen`.
fn key(directory: &Path, file: &str) -> (std::path::PathBuf, String) {
    let path = directory.join(file);
    let made = support::run(support::age("age-keygen").arg("-o").arg(&path)).ok();
    let recipient = made.stderr.split_whitespace().last().unwrap().to_string();
    assert!(recipient.starts_with("age1"), "{made}");
    (path, recipient)
}

#[test]
fn copies_there_are_encrypted_and_restore_with_their_key_alone() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    let keys = tempfile::tempdir().unwrap();
    let (mine, recipient) = key(keys.path(), "mine");
    let (second, other) = key(keys.path(), "second");
    let (foreign, _) = key(keys.path(), "foreign");
    let mut backup = places.pgstow(&db, &["backup"]);
    support::run(backup.env("OFFSITE_RECIPIENTS", format!("{recipient}, {other}"))).ok();
    let there = places.there()[0].clone();
    assert_eq!(name(&there), format!("{}.age", name(&places.here()[0])));

    // By age itself, with either key.
    for key in [&mine, &second] {
        let clear = support::run(
            support::age("age")
                .args(["-d", "-o"])
                .arg(keys.path().join("clear"))
                .arg("-i")
                .arg(key)
                .arg(&there),
        )
        .ok();
        assert!(
            super::same(&keys.path().join("clear"), &places.here()[0]),
            "{clear}"
        );
    }

    let url = format!("{}/daily/{}", places.url(), name(&there));
    let list = places.run(&db, &["list", "--offsite"]).ok();
    assert!(list.stdout.contains("encrypted"), "{list}");
    let refused = places.run(&db, &["verify", &url]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(
        refused.stderr.contains("is encrypted\nhint: Name the file"),
        "{refused}"
    );
    let wrong = places.run(&db, &["verify", &url, "--identity", foreign.to_str().unwrap()]);
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.stderr.contains("none of the identities"), "{wrong}");
    let with_key = ["--identity", mine.to_str().unwrap()];
    let verified = places.run(&db, &[&["verify", &url], &with_key[..]].concat()).ok();
    assert!(verified.stdout.contains("every row proved"), "{verified}");
    let inside = places.run(&db, &[&["list", &url], &with_key[..]].concat()).ok();
    assert!(inside.stdout.contains("100"), "{inside}");

    let copy = server.database("age_copy");
    let mut restore = places.pgstow(&copy, &["restore", "--yes", &url]);
    support::run(restore.env("AGE_IDENTITY_FILE", &mine)).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));
    // A file that was fetched by hand.
    let local = keys.path().join(name(&there));
    std::fs::copy(&there, &local).unwrap();
    let mut restore = places.pgstow(&copy, &["restore", "--yes"]);
    support::run(restore.args(with_key).arg(&local)).ok();
    assert_eq!(copy.query_text(DIGEST), db.query_text(DIGEST));
}

#[test]
fn what_age_encrypts_is_read_and_damage_is_noticed() {
    let server = support::server(support::newest());
    let db = small(server);
    let places = Places::new();
    let keys = tempfile::tempdir().unwrap();
    let (mine, recipient) = key(keys.path(), "mine");
    support::run(places.pgstow(&db, &["backup"]).env_remove("OFFSITE_URL")).ok();
    let encrypted = keys.path().join("by-age.sql.gz.age");
    support::run(
        support::age("age")
            .args(["-r", &recipient, "-o"])
            .arg(&encrypted)
            .arg(&places.here()[0]),
    )
    .ok();
    let verify = |path: &Path| {
        let mut command = places.pgstow(&db, &["verify", "--identity"]);
        support::run(command.arg(&mine).arg(path))
    };
    verify(&encrypted).ok();
    let mut bytes = std::fs::read(&encrypted).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&encrypted, &bytes).unwrap();
    let done = verify(&encrypted);
    assert_eq!(done.code, 4, "{done}");
    let nobody = support::run(
        places
            .pgstow(&db, &["backup"])
            .env("OFFSITE_RECIPIENTS", "age1nobody"),
    );
    assert_eq!(nobody.code, 2, "{nobody}");
}
