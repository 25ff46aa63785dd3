//! The store's side: can a backup be written, and is there room for it?

use super::Request;
use crate::finding::Finding;
use crate::human;
use crate::store::{Pending, Store};

/// What is found of the store. `size`: bytes of the database, if they are known.
pub(super) fn findings(request: &Request<'_>, size: Option<u64>) -> Vec<Finding> {
    let (database, now) = (request.settings.dbname(), request.now);
    let store = match Store::open(request.directory) {
        Ok(store) => store,
        Err(e) => return vec![Finding::of_error("store", &e)],
    };
    let mut findings = vec![writable(&store)];
    let newest = store.latest(database, now);
    match &newest {
        Ok(Some(entry)) => findings.push(Finding::ok(
            "newest backup",
            format!("{} of {}", store.relative(entry), human::bytes(entry.bytes)),
        )),
        Ok(None) => findings.push(
            Finding::warning(
                "newest backup",
                format!("there is no whole backup of database {database:?}"),
            )
            .hint("`pgstow backup` makes one."),
        ),
        Err(e) => findings.push(Finding::of_error("newest backup", e)),
    }
    if let Ok(Some(warning)) = store.warning_of_ahead(None, now) {
        findings.push(Finding::warning("dates", warning));
    }
    let last = newest.ok().flatten().map(|entry| entry.bytes);
    findings.extend(space(&store, last, size));
    findings
}

/// Tries it: mode bits do not tell of read-only mounts, quotas and users mapped away.
fn writable(store: &Store) -> Finding {
    let root = store.root();
    match Pending::create(root.join("doctor"), 0o600) {
        Ok(_) => Finding::ok("store", format!("{} can be written to", root.display())),
        Err(e) => Finding::of_error("store", &e),
    }
}

/// Whether the next backup fits: one as large as the last, or without one as large as a third of the database.
fn space(store: &Store, last: Option<u64>, size: Option<u64>) -> Option<Finding> {
    let stat = rustix::fs::statvfs(store.root()).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let (wanted, from) = match (last, size) {
        (Some(bytes), _) => (bytes, "the last backup had"),
        (None, Some(size)) => (size / 3, "a third of the database is"),
        (None, None) => return None,
    };
    Some(room(free, wanted, from))
}

fn room(free: u64, wanted: u64, from: &str) -> Finding {
    let found = format!("{} free, {from} {}", human::bytes(free), human::bytes(wanted));
    let hint = "Make room, keep fewer backups, or move the store.";
    match (free / 2 < wanted, free < wanted) {
        (_, true) => Finding::failed("space", found).hint(hint),
        (true, _) => Finding::warning("space", found).hint(hint),
        _ => Finding::ok("space", found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_next_backup_must_fit_and_better_fit_twice() {
        for (free, wanted, status) in [
            (100, 10, Status::Ok),
            (20, 10, Status::Ok),
            (19, 10, Status::Warning),
            (9, 10, Status::Failed),
        ] {
            assert_eq!(room(free, wanted, "").status, status, "{free} {wanted}");
        }
    }
}
