//! What the server is told of index builds where several connections fill a database.

use crate::support::{self, Cluster, Setup, pgstow, run};

/// Settings in which the indexes of the newest restore were built: name of the index, memory, processes that may help.
fn told(log: &str) -> Vec<(String, String, usize)> {
    let lines = log.lines().filter_map(|line| line.split_once("LOG:  built "));
    let mut told: Vec<_> = lines
        .map(|(_, told)| {
            let mut words = told.split(' ').map(str::to_owned);
            let mut next = || words.next().unwrap();
            (next(), next(), next().parse().unwrap())
        })
        .collect();
    told.sort();
    told.dedup();
    told
}

#[test]
fn indexes_are_built_with_what_suits_them_or_with_what_is_asked_for() {
    let setup = Setup {
        conf: "log_min_messages = log\n",
        ..Setup::default()
    };
    let cluster = Cluster::start(support::newest(), &setup);
    let db = cluster.database("built");
    db.execute(
        "CREATE FUNCTION tell(name text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
             RAISE LOG 'built % % %', name, pg_catalog.current_setting('maintenance_work_mem'),
                 pg_catalog.current_setting('max_parallel_maintenance_workers');
             RETURN 1;
         END $$;
         CREATE FUNCTION told(name text) RETURNS int[] LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
             RETURN ARRAY[public.tell(name)];
         END $$;
         CREATE TABLE t (i text);
         INSERT INTO t VALUES ('');
         CREATE INDEX tree ON t (public.tell(i || 'tree'));
         CREATE INDEX gin ON t USING gin (public.told(i || 'gin'));",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    let restored = |into: &str, options: &[&str]| {
        let before = cluster.log().len();
        let mut restore = pgstow();
        restore.args([
            "restore",
            "--target-db",
            into,
            "--yes",
            "--jobs",
            "2",
            "--dbname",
            &db.uri(),
        ]);
        run(restore.args(options).arg(&file)).ok();
        told(&cluster.log().split_off(before))
    };
    let chosen = restored("chosen", &[]);
    let memory: Vec<_> = chosen
        .iter()
        .map(|(name, memory, _)| (&name[..], &memory[..]))
        .collect();
    assert_eq!(memory, [("gin", "256MB"), ("tree", "32MB")]);
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(
        chosen.iter().all(|(_, _, helpers)| *helpers < processors),
        "{chosen:?}"
    );
    let asked = restored(
        "asked",
        &[
            "--maintenance-work-mem",
            "100MB",
            "--parallel-maintenance-workers",
            "3",
        ],
    );
    let both = |name: &str| (name.to_owned(), "100MB".to_owned(), 3);
    assert_eq!(asked, [both("gin"), both("tree")]);
}
