//! The judge: every kind of object comes back as it was, on every server.
//!
//! A case is a file `tests/kinds/<kind>.sql` (see [`case`] for what its header may say). For each case and server the
//! judge loads it into a source database, dumps that with pgstow, restores the dump into one copy with pgstow and
//! into another with `gunzip | psql`, has pg_dump describe all three and compares them entry by entry, rows and
//! sequence values included. Then once more in the style of a backup (`--clean --if-exists --no-owner
//! --no-privileges`) over the copies as they stand, so that every DROP is tried too.
//!
//! While developing:
//!
//! ```text
//! PGSTOW_TEST_MAJORS=15 PGSTOW_TEST_CASES=tables,views cargo test --test suite kinds::on
//! PGSTOW_TEST_TOOL=pg_dump ...   puts pg_dump and psql in pgstow's place: proves the case before blaming pgstow
//! PGSTOW_TEST_KEEP=DIR ...       keeps every dump and description there
//! ```

pub mod case;
pub mod description;
mod judge;
mod parity;
mod statements;
mod tool;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::support::{self, Cluster};
use case::Case;
use judge::{Upgrade, Verdict};
use tool::{Broken, PgDump, Pgstow, Tool};

/// The share of pg_dump's statements that must occur word for word in ours.
const PARITY: f64 = 0.95;

/// Cases at work at a time on one server. The test runner has servers at work side by side already.
const AT_A_TIME: usize = 2;

/// One major at a time: all of them restore into the newest server too, and roles belong to a whole server.
static TURN: Mutex<()> = Mutex::new(());

/// Judges all cases that this server can load; returns what went wrong, case by case.
fn judge_all(server: &Cluster, cases: &[Case], tool: &dyn Tool) -> Vec<(String, Verdict)> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = judge::judge(server, case, tool);
                    done.lock()
                        .expect("no judge died")
                        .push((case.name.clone(), verdict));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no judge died");
    done.sort_by(|a, b| a.0.cmp(&b.0));
    done
}

fn every_case_comes_back(major: u32) {
    if !support::majors().contains(&major) {
        eprintln!("PostgreSQL {major} is not under test: PGSTOW_TEST_MAJORS leaves it out");
        return;
    }
    let server = support::server(major);
    let by_pg_dump = match std::env::var("PGSTOW_TEST_TOOL").as_deref() {
        Ok("pg_dump") => true,
        Ok(other) => panic!("PGSTOW_TEST_TOOL is {other:?}; expected \"pg_dump\" or nothing"),
        Err(_) => false,
    };
    let tool: &dyn Tool = if by_pg_dump { &PgDump } else { &Pgstow };
    let cases: Vec<Case> = case::all()
        .into_iter()
        .filter(|case| case.runs_on(server) && !(by_pg_dump && case.beyond_pg_dump))
        .collect();
    let verdicts = judge_all(server, &cases, tool);

    let mut parity = parity::Parity::default();
    let mut failed = Vec::new();
    let (mut upgraded, mut beyond) = (0, Vec::new());
    for (name, verdict) in verdicts {
        upgraded += usize::from(verdict.upgraded == Some(Upgrade::Same));
        if verdict.upgraded == Some(Upgrade::BeyondPgDump) {
            beyond.push(name.clone());
        }
        if verdict.problems.is_empty() {
            parity.add(&name, verdict.parity);
        } else {
            failed.push(format!(
                "=== {name} on PostgreSQL {major}\n{}\n",
                verdict.problems.join("\n")
            ));
        }
    }
    println!("{}", parity.report(major));
    println!(
        "  on the newest major: {upgraded} cases as pg_dump restores them; it cannot restore {beyond:?} there"
    );
    assert!(
        failed.is_empty(),
        "{}\n{} of {} cases failed on PostgreSQL {major}",
        failed.join("\n"),
        failed.len(),
        cases.len()
    );
    let unexplained = parity.unexplained();
    assert!(
        by_pg_dump || unexplained.is_empty(),
        "these statements of pg_dump are not ours for no known reason:\n{}",
        unexplained.join("\n")
    );
    // A few cases alone say little about the whole.
    let picked = std::env::var_os("PGSTOW_TEST_CASES").is_some();
    assert!(
        picked || parity.share() >= PARITY,
        "only {:.1} % of pg_dump's statements occur in our dumps word for word; expected {:.0} %",
        parity.share() * 100.0,
        PARITY * 100.0
    );
}

#[test]
fn on_13() {
    every_case_comes_back(13);
}

#[test]
fn on_14() {
    every_case_comes_back(14);
}

#[test]
fn on_15() {
    every_case_comes_back(15);
}

#[test]
fn on_16() {
    every_case_comes_back(16);
}

#[test]
fn on_17() {
    every_case_comes_back(17);
}

#[test]
fn on_18() {
    every_case_comes_back(18);
}

/// The judge before the judge: pg_dump passes, and a dump with a fault in it does not.
mod the_judge {
    use super::*;

    const SMALL: &str = "
        CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text, price numeric(8,2));
        INSERT INTO t (note, price) VALUES ('a', 1), ('b', 2.5), (NULL, NULL);
        CREATE INDEX by_note ON t (note);
        CREATE VIEW v AS SELECT id FROM t;
        COMMENT ON VIEW v IS 'seen';
    ";

    fn verdict(tool: &dyn Tool) -> Verdict {
        let case = Case::parse("small", SMALL).expect("it has no header");
        judge::judge(support::server(support::newest()), &case, tool)
    }

    #[test]
    fn passes_pg_dump_itself() {
        let verdict = verdict(&PgDump);
        assert!(verdict.problems.is_empty(), "{}", verdict.problems.join("\n"));
        assert_eq!(verdict.parity.missing, ["SET transaction_timeout = 0;"]);
        assert!(verdict.parity.statements > 10);
    }

    #[track_caller]
    fn catches(from: &str, to: &str, complaint: &str) {
        let broken = Broken {
            from: from.into(),
            to: to.into(),
        };
        let problems = verdict(&broken).problems.join("\n");
        assert!(
            problems.contains(complaint),
            "{from:?} -> {to:?} was not caught; only: {problems}"
        );
    }

    #[test]
    fn catches_a_lost_row() {
        catches("\n2\tb\t2.50\n", "\n", "Data for Name: t");
    }

    #[test]
    fn catches_a_changed_value() {
        catches("\t2.50\n", "\t2.51\n", "2\tb\t2.51");
    }

    #[test]
    fn catches_a_lost_index() {
        catches(
            "CREATE INDEX by_note ON public.t USING btree (note);",
            "",
            "by_note",
        );
    }

    #[test]
    fn catches_a_lost_comment() {
        catches("COMMENT ON VIEW public.v IS 'seen';", "", "COMMENT");
    }

    #[test]
    fn catches_a_sequence_that_starts_again() {
        catches("t_id_seq', 3, true)", "t_id_seq', 1, false)", "SEQUENCE SET");
    }

    #[test]
    fn catches_an_object_nobody_had() {
        catches(
            "CREATE VIEW public.v AS",
            "CREATE TABLE extra ();\nCREATE VIEW public.v AS",
            "extra",
        );
    }
}
