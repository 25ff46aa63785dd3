//! `pgstow dump` in pg_dump's place: the same command lines, run through both, make the same databases, or are refused
//! by both.
//!
//! Each line dumps one source by both programs, restores both scripts with psql into databases of their own, and has
//! pg_dump describe those. What psql complains of while it restores must be the same, too: a part of a database may lack
//! what it refers to.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::kinds::description::Description;
use crate::support::{self, Cluster, Db, Done, run, run_with_input};

const SOURCE: &str = include_str!("pg_dump.sql");

/// Lines whose scripts go into an empty database.
const WHOLE: &[&str] = &[
    "",
    "-F p -v --no-sync --no-statistics -E UTF8",
    "-s",
    "--no-data",
    "--schema-only --sequence-data",
    "-c",
    "-c --if-exists",
    "-O -x",
    "--no-owner --no-acl --clean --if-exists",
    "-n sales",
    "-n SALES --strict-names",
    "-n s* -n \"Odd.Name\"",
    "-n public",
    "-N sales",
    "-N *odd* -N public --no-publications",
    "-t orders",
    "-t sales.orders --strict-names",
    "-t s*.* -T *.log_?",
    "-t sales.(orders|log_1)",
    "-t sales.log_[1]",
    "-t \"Odd.Name\".\"Mixed Case\"",
    "-t sales.open_orders -t sales.totals -t public.numbers",
    "-t public.events_2025",
    "-t sales.orders -T sales.orders_id_seq",
    "-T sales.orders",
    "-T sales.customers_id_seq -T public.numbers",
    "-T public.nothing -n public",
    "--table-and-children=public.events",
    "--table-and-children public.animals -T public.dogs",
    "--exclude-table-and-children=public.events",
    "--exclude-table-data=sales.orders --exclude-table-data=public.numbers",
    "--exclude-table-data-and-children=public.events --exclude-table-data=sales.totals",
    "-e hstore",
    "-e hstore -n public",
    "--exclude-extension=hs*",
    "-n sales -e hstore --no-comments",
    "-t sales.orders -b",
    "-B",
    "--no-blobs --no-comments",
    "--no-policies",
    "--no-publications --no-subscriptions --no-security-labels",
    "--no-tablespaces --no-table-access-method",
    "--no-toast-compression",
    "--no-unlogged-table-data",
    "--inserts",
    "--inserts -t public.nothing -t public.cache",
    "--column-inserts",
    "--rows-per-insert=2",
    "--rows-per-insert 3 --column-inserts --on-conflict-do-nothing",
    "--load-via-partition-root",
    "--load-via-partition-root --inserts",
    "--quote-all-identifiers",
    "--enable-row-security",
    "--extra-float-digits=0",
    "--restrict-key=abc123",
    "--lock-wait-timeout=5s --serializable-deferrable --role=postgres",
    "--section=pre-data",
    "--section=pre-data --section=data",
    "--filter={filter}",
    "--statistics",
    "--statistics -t sales.* --no-data",
    "-E LATIN1",
    "-E SQL_ASCII -n sales",
];

/// Lines whose scripts need the definitions to be there.
const ROWS: &[&str] = &[
    "-a",
    "-a --disable-triggers",
    "--data-only --disable-triggers -S postgres --inserts",
    "--no-schema -n sales",
    "-a -B -T sales.orders",
    "-a -t public.events* -t \"Odd.Name\".*",
    "--section=data",
];

/// Lines that make no sense.
const REFUSED: &[&str] = &[
    "-s -a",
    "-s --statistics",
    "-a -c",
    "--if-exists",
    "--on-conflict-do-nothing",
    "--rows-per-insert=0",
    "-t nowhere",
    "-n nowhere",
    "-e nowhere",
    "--include-foreign-data=nowhere",
    "--strict-names -t sales.orders -t nowhere",
    "--strict-names -n sales -n nowhere",
    "-t a.b.c.d",
    "-t other.sales.orders",
    "-t sales.(",
    "--section=middle",
    "--filter={bad_filter}",
    "--extra-float-digits=99",
    "--restrict-key=a-b",
    "-s --include-foreign-data=x",
    "--no-such-option",
    "-b -B -Z quick",
];

const FILTER: &str = "# some of it\ninclude schema sales # all of it\ninclude schema \"Odd.Name\"\n\n\
                      exclude table *.log_1\nexclude table_data sales.customers\nexclude table_data_and_children *.totals\n";

struct Files {
    filter: std::path::PathBuf,
    bad_filter: std::path::PathBuf,
}

impl Files {
    fn new(dir: &Path) -> Files {
        let files = Files {
            filter: dir.join("filter"),
            bad_filter: dir.join("bad"),
        };
        std::fs::write(&files.filter, FILTER).unwrap();
        std::fs::write(&files.bad_filter, "include everything x\n").unwrap();
        files
    }

    /// The words of a line. Only the quotes of patterns keep spaces.
    fn words(&self, line: &str) -> Vec<String> {
        let line = line
            .replace("{filter}", &self.filter.to_string_lossy())
            .replace("{bad_filter}", &self.bad_filter.to_string_lossy());
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            quoted ^= c == '"';
            match c {
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }
}

fn source(server: &Cluster, name: &str) -> Db<'static> {
    // Shared servers live as long as the process.
    let server = support::server(server.major());
    let db = server.database(name);
    let script = match server.major() {
        // These majors do not know how columns are compressed.
        13 => SOURCE.replace(" COMPRESSION pglz", ""),
        _ => SOURCE.to_string(),
    };
    db.execute(&script);
    db.execute("ANALYZE");
    db.execute(&format!(
        "ALTER DATABASE {} SET search_path = sales, public",
        db.name()
    ));
    db
}

fn dump(mut program: Command, db: &Db, words: &[String]) -> Done {
    db.env(&mut program).env("PGTZ", "UTC");
    run(program.args(words))
}

/// The same for a script that may be of any encoding.
fn bytes(mut program: Command, db: &Db, words: &[String]) -> (Done, Vec<u8>) {
    db.env(&mut program).env("PGTZ", "UTC");
    let output = program.args(words).output().expect("the program can be run");
    let script = output.stdout.clone();
    (Done::from(output), script)
}

fn pgstow_dump() -> Command {
    let mut pgstow = support::pgstow();
    pgstow.arg("dump");
    pgstow
}

/// What psql complains of, without what only pg_dump 18's preamble makes older servers say.
fn restore(script: &[u8], db: &Db) -> BTreeSet<String> {
    let done = run_with_input(db.psql().arg("--quiet"), script);
    done.stderr
        .lines()
        .filter_map(|line| line.split_once("ERROR:").map(|(_, text)| text.trim().to_string()))
        .filter(|text| !text.contains("transaction_timeout"))
        .collect()
}

fn described(db: &Db, flags: &[&str]) -> Description {
    Description::of(&run(db.pg_dump().args(flags)).ok().stdout)
}

/// Runs a line through both; what differs.
fn compare(source: &Db, definitions: Option<&[u8]>, words: &[String]) -> Vec<String> {
    let theirs = bytes(support::pg_dump(), source, words);
    let ours = bytes(pgstow_dump(), source, words);
    if theirs.0.code != 0 || ours.0.code != 0 {
        return vec![format!("pg_dump: {}\npgstow: {}", theirs.0.stderr, ours.0.stderr)];
    }
    let server = source.cluster();
    let (by_pg_dump, by_pgstow) = (server.database("line_pg_dump"), server.database("line_pgstow"));
    for db in [&by_pg_dump, &by_pgstow] {
        if let Some(definitions) = definitions {
            restore(definitions, db);
        }
    }
    let (expected, found) = (restore(&theirs.1, &by_pg_dump), restore(&ours.1, &by_pgstow));
    let flags: &[&str] = match words.iter().any(|word| word.starts_with("--statistics")) {
        true => &["--statistics"],
        false => &[],
    };
    let mut problems = described(&by_pg_dump, flags).differences(
        &described(&by_pgstow, flags),
        "what pg_dump makes",
        "what pgstow makes",
    );
    // Without IF EXISTS, every DROP in an empty database complains; pg_dump also detaches what it drops then.
    if expected != found && !words.iter().any(|word| word == "-c") {
        problems.push(format!(
            "psql complains of {expected:?} with pg_dump, of {found:?} with pgstow"
        ));
    }
    problems
}

fn compare_all(source: &Db, definitions: Option<&[u8]>, lines: &[&str], files: &Files) {
    let mut failed = Vec::new();
    for line in lines {
        let problems = compare(source, definitions, &files.words(line));
        if !problems.is_empty() {
            failed.push(format!("=== {line}\n{}\n", problems.join("\n")));
        }
    }
    assert!(
        failed.is_empty(),
        "{}\n{} of {} lines on PostgreSQL {}",
        failed.join("\n"),
        failed.len(),
        lines.len(),
        source.cluster().major()
    );
}

#[test]
fn the_same_options_make_the_same_database() {
    let dir = tempfile::tempdir().unwrap();
    let files = Files::new(dir.path());
    let db = source(support::server(support::newest()), "options");
    compare_all(&db, None, WHOLE, &files);
}

#[test]
fn the_same_options_load_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    let files = Files::new(dir.path());
    let db = source(support::server(support::newest()), "row_options");
    let definitions = run(db.pg_dump().args(["--section=pre-data"])).ok().stdout;
    compare_all(&db, Some(definitions.as_bytes()), ROWS, &files);
    let whole_but_indexes = run(db.pg_dump().args(["--section=pre-data", "--section=data"]))
        .ok()
        .stdout;
    compare_all(
        &db,
        Some(whole_but_indexes.as_bytes()),
        &["--section=post-data"],
        &files,
    );
}

#[test]
fn old_servers_understand_the_same_options() {
    let dir = tempfile::tempdir().unwrap();
    let files = Files::new(dir.path());
    let oldest = support::majors().into_iter().min().unwrap();
    let db = source(support::server(oldest), "old_options");
    // Every seventh line, and those whose queries differ.
    let some: Vec<&str> = WHOLE.iter().step_by(7).copied().collect();
    compare_all(&db, None, &some, &files);
    compare_all(
        &db,
        None,
        &["--load-via-partition-root --inserts", "--no-unlogged-table-data"],
        &files,
    );
}

#[test]
fn what_pg_dump_refuses_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = Files::new(dir.path());
    let db = source(support::server(support::newest()), "refused");
    for line in REFUSED {
        let words = files.words(line);
        assert_ne!(
            dump(support::pg_dump(), &db, &words).code,
            0,
            "pg_dump takes {line}"
        );
        let ours = dump(pgstow_dump(), &db, &words);
        assert!(matches!(ours.code, 1 | 2), "pgstow takes {line}: {}", ours.stderr);
        assert!(!ours.stderr.contains("panicked"), "{line}: {}", ours.stderr);
    }
    for (line, why) in [
        ("-Fc", "pgstow writes one plain SQL file"),
        ("--format=tar", "pgstow writes one plain SQL file"),
        ("--disable-dollar-quoting", "every PostgreSQL reads"),
        ("-E EBCDIC", "unknown encoding \"EBCDIC\""),
        ("-t nowhere", "match 'nowhere'"),
        ("--shema-only", "a similar argument exists: '--schema-only'"),
    ] {
        let done = dump(pgstow_dump(), &db, &files.words(line));
        assert!(done.code != 0 && done.stderr.contains(why), "{line}: {done}");
    }
}

#[test]
fn rows_of_foreign_tables_come_where_their_server_is_named() {
    let server = support::server(support::newest());
    let (far, db) = (server.database("far"), server.database("near"));
    far.execute("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'one'), (2, NULL)");
    db.execute(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname '{}');
         CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres');
         CREATE FOREIGN TABLE f (a int, b text) SERVER far OPTIONS (table_name 't');",
        server.socket_dir().display(),
        server.port(),
        far.name()
    ));
    let rows = |script: &str| -> Vec<String> {
        let copy = script
            .lines()
            .skip_while(|line| !line.starts_with("COPY public.f"));
        copy.take_while(|line| *line != "\\.")
            .map(str::to_string)
            .collect()
    };
    let words = ["--include-foreign-data=f*".to_string()];
    let (theirs, ours) = (
        dump(support::pg_dump(), &db, &words).ok().stdout,
        dump(pgstow_dump(), &db, &words).ok().stdout,
    );
    assert_eq!(
        rows(&ours),
        ["COPY public.f (a, b) FROM stdin;", "1\tone", "2\t\\N"]
    );
    assert_eq!(rows(&theirs), rows(&ours));
    assert!(rows(&dump(pgstow_dump(), &db, &[]).ok().stdout).is_empty());
}

#[test]
fn a_role_that_may_read_one_table_dumps_that_table() {
    let server = support::server(support::newest());
    let db = server.database("one_table");
    db.execute(
        "DO $$ BEGIN CREATE ROLE one_table_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         CREATE TABLE mine (id serial, a text); CREATE TABLE secret (id serial);
         INSERT INTO mine (a) VALUES ('x');
         GRANT SELECT ON mine, mine_id_seq TO one_table_reader;",
    );
    let mut command = pgstow_dump();
    db.env(&mut command).env("PGUSER", "one_table_reader");
    let done = run(command.args(["-t", "mine"])).ok();
    assert!(done.stdout.contains("1\tx\n") && done.stdout.contains("setval('public.mine_id_seq', 1, true)"));
    let mut command = pgstow_dump();
    db.env(&mut command).env("PGUSER", "one_table_reader");
    assert!(run(&mut command).stderr.contains("permission denied"));
}

#[test]
fn a_lock_that_does_not_come_in_time_ends_the_dump() {
    let server = support::server(support::newest());
    let db = server.database("locked_out");
    db.execute("CREATE TABLE busy (a int); CREATE TABLE free (a int)");
    let holder = std::thread::scope(|scope| {
        let holder = scope.spawn(|| db.execute("BEGIN; LOCK TABLE busy; SELECT pg_sleep(6); COMMIT"));
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass AND granted";
        while db.query_text(held) == "0" {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let words = ["--lock-wait-timeout=300".to_string()];
        let done = dump(pgstow_dump(), &db, &words);
        assert!(
            done.code == 1 && done.stderr.contains("--lock-wait-timeout (300)"),
            "{done}"
        );
        // What is left out is not waited for.
        let words = [
            "--lock-wait-timeout=300".to_string(),
            "-T".to_string(),
            "busy".to_string(),
        ];
        dump(pgstow_dump(), &db, &words).ok();
        holder.join()
    });
    assert!(holder.is_ok());
}

#[test]
fn a_backup_takes_the_selection_from_its_environment() {
    let server = support::server(support::newest());
    let db = server.database("chosen");
    db.execute("CREATE TABLE kept (a int); CREATE TABLE logs (a int); INSERT INTO logs VALUES (1)");
    let dir = tempfile::tempdir().unwrap();
    let backup = |options: &str| {
        let mut command = support::pgstow();
        db.env(&mut command)
            .env("BACKUP_DIR", dir.path())
            .env("PGSTOW_DUMP_OPTIONS", options);
        run(command.arg("backup"))
    };
    let done = backup("--exclude-table 'lo*'").ok();
    assert!(
        done.stderr
            .contains("left out as asked (not picked, or left out by name: 2"),
        "{done}"
    );
    let file = std::fs::read_dir(dir.path().join("daily"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let listed = run(support::pgstow().args(["list", "--json"]).arg(&file))
        .ok()
        .stdout;
    assert!(
        listed.contains("\"kept\"") && !listed.contains("\"logs\""),
        "{listed}"
    );
    // The file is compared with the same part of the database.
    let proof = run(support::pgstow()
        .args(["compare", "--dbname", &db.uri()])
        .arg(&file));
    assert_eq!(proof.code, 0, "{proof}");
    let done = backup("--inserts");
    assert!(
        done.code == 2 && done.stderr.contains("PGSTOW_DUMP_OPTIONS (--inserts)"),
        "{done}"
    );
}

#[test]
fn a_database_is_named_in_every_way_that_pg_dump_takes() {
    let server = support::server(support::newest());
    let db = server.database("named_ways");
    db.execute("CREATE TABLE here (a int)");
    let uri = db.uri();
    let name = db.name();
    let pairs = format!(
        "host=127.0.0.1 port={} dbname={name} user=postgres",
        server.port()
    );
    for words in [
        vec![name],
        vec!["-d", name],
        vec![uri.as_str()],
        vec!["-d", uri.as_str()],
        // The connection string wins over the other options.
        vec![
            "-h",
            "nowhere.invalid",
            "-p",
            "1",
            "-U",
            "nobody",
            "-d",
            pairs.as_str(),
        ],
        vec!["-h", "nowhere.invalid", "-p", "1", uri.as_str()],
    ] {
        let words: Vec<String> = words.into_iter().map(str::to_string).collect();
        for program in [support::pg_dump(), pgstow_dump()] {
            let script = dump(program, &server.postgres(), &words).ok().stdout;
            assert!(script.contains("CREATE TABLE public.here"), "{words:?}");
        }
    }
}
