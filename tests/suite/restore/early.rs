//! The largest table is loaded while others are still being made.

use crate::support::{self, Cluster, Setup, pgstow, run};

#[test]
fn the_largest_table_does_not_wait_for_the_last_one_to_be_made() {
    let setup = Setup {
        conf: "log_statement = all\nlog_min_messages = log\n",
        ..Setup::default()
    };
    let cluster = Cluster::start(support::newest(), &setup);
    let db = cluster.database("early");
    db.execute(
        "CREATE TABLE largest (id serial, at timestamptz DEFAULT now(), text text);
         INSERT INTO largest (text) SELECT repeat(md5(i::text), 4) FROM generate_series(1, 100000) i;
         COMMENT ON COLUMN largest.text IS 'the rows';
         CREATE VIEW seen AS SELECT count(*) FROM largest;
         CREATE TABLE parts (id int, text text) PARTITION BY LIST (id);
         CREATE TABLE part PARTITION OF parts DEFAULT;
         INSERT INTO part SELECT -1, repeat(md5(i::text), 8) FROM generate_series(1, 100000) i;
         SELECT format('CREATE TABLE z_%s (id int PRIMARY KEY); INSERT INTO z_%s VALUES (1)', i, i)
             FROM generate_series(1000, 1800) i \\gexec",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.sql.gz");
    run(pgstow().args(["dump", "--dbname", &db.uri(), "-f"]).arg(&file)).ok();
    // Of three connections two load early; the partition is the larger table, but it is locked with others of its kind.
    let before = cluster.log().len();
    let options = ["restore", "--swap", "--yes", "--jobs", "3", "--dbname", &db.uri()];
    let done = run(pgstow().args(options).arg(&file)).ok();
    let log = cluster.log().split_off(before);
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text}: {done}"));
    let last = at("CREATE TABLE public.z_1800");
    assert!(at("COPY public.largest (id, at, text) FROM stdin WITH (FORMAT binary, FREEZE)") < last);
    assert!(at("COPY public.part (") > last);
    let copies = log
        .matches("COPY public.largest (id, at, text) FROM stdin")
        .count();
    assert_eq!(copies, 1, "{done}");
    run(pgstow().args(["compare", "--dbname", &db.uri()]).arg(&file)).ok();
}
