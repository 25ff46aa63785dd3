//! The stream, on real servers: the same bytes for any number of workers, rows as COPY gives them, a file that any
//! reader takes.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};

use pgstow::archive::{Archive, Compression, Header, Index, Summary, verify_seekable};
use pgstow::connect::{Session, Settings, Snapshot, SnapshotOptions, connect};
use pgstow::dump::{self, Source};
use pgstow::event::{Event, Observer, Silent};
use pgstow::plan::{Plan, Step, TableRows};
use pgstow::sql::{ident_list, qualified};
use tokio_util::sync::CancellationToken;

use crate::support::{self, Db, block_on, run};

/// Tables of every sort that matters to the stream.
const TABLES: &str = "
CREATE TABLE wide (id int, body text, note text);
INSERT INTO wide SELECT i, repeat(md5(i::text), 3), CASE WHEN i % 10 = 0 THEN E'tab\\there\\nline\\\\back' END
    FROM generate_series(1, 250000) i;
CREATE TABLE toasted (id int, body text);
ALTER TABLE toasted ALTER body SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, repeat(md5(i::text), 3000) FROM generate_series(1, 300) i;
CREATE TABLE nothing (a int, b text);
CREATE TABLE columnless ();
INSERT INTO columnless SELECT FROM generate_series(1, 5);
CREATE TABLE \"Odd name\" (\"Order\" int, \"q\"\"uote\" text);
INSERT INTO \"Odd name\" VALUES (1, '\\.'), (2, NULL), (3, '');
CREATE TABLE parent (a int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent SELECT i FROM generate_series(1, 10) i;
INSERT INTO child SELECT i FROM generate_series(11, 20) i;
ANALYZE;
";

const NAMES: [&str; 7] = [
    "wide",
    "toasted",
    "nothing",
    "columnless",
    "Odd name",
    "parent",
    "child",
];

/// A plan of these tables, measured as the catalog does it.
fn plan(db: &Db, names: &[&str]) -> Plan {
    let mut plan = Plan::default();
    plan.steps.push(Step::Sql("-- a dump\n\n".into()));
    for name in names {
        let facts = db.query_text(&format!(
            "SELECT oid, pg_table_size(oid), pg_relation_size(oid) / current_setting('block_size')::int,
                    (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
                     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
             FROM pg_class c WHERE relname = '{name}' AND relkind = 'r'"
        ));
        let facts: Vec<&str> = facts.split('|').collect();
        let columns: Vec<String> = facts[3]
            .split(',')
            .filter(|c| !c.is_empty())
            .map(String::from)
            .collect();
        let quoted = ident_list(columns.iter().map(String::as_str));
        let list = if columns.is_empty() {
            String::new()
        } else {
            format!(" ({quoted})")
        };
        plan.steps.push(Step::Rows(Box::new(TableRows {
            oid: facts[0].parse().unwrap(),
            schema: "public".into(),
            name: name.to_string(),
            begin: format!(
                "--\n-- Data\n--\n\nCOPY {}{list} FROM stdin;\n",
                qualified("public", name)
            ),
            end: "\\.\n\n\n".into(),
            columns,
            through: None,
            inserts: None,
            filter: None,
            heap_pages: (db.cluster().major() >= 14).then(|| facts[2].parse().unwrap()),
            bytes: facts[1].parse().unwrap(),
        })));
    }
    plan.steps.push(Step::Sql("SELECT 1;\n\n".into()));
    plan
}

async fn source(db: &Db<'_>, existing: Option<String>) -> Source {
    let settings = Settings::resolve(Some(&db.uri())).unwrap();
    let leader: Session = connect(&settings).await.unwrap();
    let options = SnapshotOptions {
        existing,
        ..SnapshotOptions::default()
    };
    let snapshot = Snapshot::take(&leader, &options).await.unwrap();
    Source {
        settings,
        leader,
        snapshot,
        encoding: None,
    }
}

fn options(compression: Compression, jobs: usize) -> dump::Options {
    dump::Options {
        compression,
        jobs: Some(jobs),
        header: Header {
            format: 1,
            ..Header::default()
        },
        ..dump::Options::default()
    }
}

async fn dump(source: Source, plan: Plan, compression: Compression, jobs: usize) -> (Vec<u8>, Summary) {
    let cancel = CancellationToken::new();
    dump::stream(
        source,
        plan,
        Vec::new(),
        options(compression, jobs),
        Arc::new(Silent),
        &cancel,
    )
    .await
    .unwrap()
}

/// What COPY writes for a table, by psql.
fn copied(db: &Db, table: &str) -> Vec<u8> {
    let mut psql = db.psql();
    let setting = "-cdatestyle=ISO -csynchronize_seqscans=off";
    psql.env("PGOPTIONS", setting)
        .args(["-qc", &format!("COPY {} TO STDOUT", qualified("public", table))]);
    psql.output().unwrap().stdout
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut text)
        .unwrap();
    text
}

#[test]
fn the_file_is_the_same_for_any_number_of_jobs() {
    for server in support::servers() {
        let db = server.database("jobs");
        db.execute(TABLES);
        for compression in [Compression::Gzip, Compression::Zstd(1), Compression::None] {
            let files = block_on(async {
                let holder = source(&db, None).await;
                let mut files = Vec::new();
                for jobs in [1, 2, 4, 8] {
                    let source = source(&db, holder.snapshot.id.clone()).await;
                    files.push(dump(source, plan(&db, &NAMES), compression, jobs).await.0);
                }
                files
            });
            for file in &files[1..] {
                assert!(
                    *file == files[0],
                    "PostgreSQL {}, {compression}: files differ",
                    server.major()
                );
            }
            verify_seekable(std::io::Cursor::new(&files[0]), &Silent).unwrap();
        }
    }
}

#[test]
fn one_connection_does_where_the_snapshot_cannot_be_shared() {
    let db = support::server(support::newest()).database("alone");
    db.execute(TABLES);
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer: Arc<dyn Observer> = {
        let told = Arc::clone(&told);
        Arc::new(move |event| {
            if let Event::Info(text) = event {
                told.lock().unwrap().push(text);
            }
        })
    };
    let (alone, shared) = block_on(async {
        let mut alone = source(&db, None).await;
        let joined = source(&db, alone.snapshot.id.take()).await;
        alone.snapshot.not_exported = Some("it is a pooler".into());
        let shared = dump(joined, plan(&db, &NAMES), Compression::GzipLevel(1), 2)
            .await
            .0;
        let (plan, options) = (plan(&db, &NAMES), options(Compression::GzipLevel(1), 4));
        let done = dump::stream(
            alone,
            plan,
            Vec::new(),
            options,
            observer,
            &CancellationToken::new(),
        )
        .await;
        (done.unwrap().0, shared)
    });
    assert!(alone == shared, "the files differ");
    assert_eq!(*told.lock().unwrap(), ["it is a pooler"]);
}

#[test]
fn the_text_is_what_one_connection_would_have_written() {
    for server in support::servers() {
        let db = server.database("text");
        db.execute(TABLES);
        let (bytes, summary) = block_on(async {
            let source = source(&db, None).await;
            dump(source, plan(&db, &NAMES), Compression::default(), 3).await
        });
        let text = gunzip(&bytes);
        let mut want = Vec::new();
        for step in plan(&db, &NAMES).steps {
            match step {
                Step::Sql(sql) => want.extend(sql.into_bytes()),
                Step::Rows(rows) => {
                    want.extend(rows.begin.into_bytes());
                    want.extend(copied(&db, &rows.name));
                    want.extend(rows.end.into_bytes());
                }
                Step::LargeObjects(_) | Step::Statements(_) => {}
            }
        }
        assert!(text.starts_with(&want), "PostgreSQL {}", server.major());
        assert_eq!(summary.index.text, want.len() as u64);

        let mut archive = Archive::from_seekable(std::io::Cursor::new(&bytes))
            .unwrap()
            .unwrap();
        for name in NAMES {
            let table = archive.index().table("public", name).unwrap().clone();
            assert!(
                read_rows(&mut archive, &table.rows) == copied(&db, name),
                "{name}"
            );
        }
        assert_eq!(
            archive
                .index()
                .table("public", "parent")
                .unwrap()
                .rows
                .counted
                .rows,
            10
        );
    }
}

fn read_rows<R: Read + std::io::Seek>(archive: &mut Archive<R>, rows: &pgstow::archive::Rows) -> Vec<u8> {
    let mut reader = archive.rows(rows).unwrap();
    let mut all = Vec::new();
    loop {
        let chunk = reader.chunk().unwrap();
        if chunk.is_empty() {
            return all;
        }
        all.extend_from_slice(chunk);
    }
}

#[test]
fn every_table_s_end_is_told_with_its_rows() {
    let db = support::server(support::newest()).database("events");
    db.execute(TABLES);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observer: Arc<dyn Observer> = {
        let seen = Arc::clone(&seen);
        Arc::new(move |event| {
            if let Event::Table { name, rows, .. } = event {
                seen.lock().unwrap().push((name, rows));
            }
        })
    };
    block_on(async {
        let source = source(&db, None).await;
        let (plan, options) = (plan(&db, &NAMES), options(Compression::GzipLevel(1), 2));
        dump::stream(
            source,
            plan,
            Vec::new(),
            options,
            observer,
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    });
    let want = [250_000, 300, 0, 5, 3, 10, 10];
    let want: Vec<_> = NAMES.iter().map(|n| n.to_string()).zip(want).collect();
    assert_eq!(*seen.lock().unwrap(), want);
}

#[test]
fn large_objects_come_back_and_are_counted() {
    for server in support::servers() {
        let db = server.database("lo");
        db.execute(
            "SELECT lo_create(10001), lo_create(10002), lo_create(10003);
             SELECT lo_put(10001, 0, decode(repeat('00ff5c27', 50000), 'hex'));
             SELECT lo_put(10003, 0, 'small');
             SELECT lo_put(10003, 300000, 'behind a hole');",
        );
        let mut plan = Plan::default();
        plan.steps.push(Step::LargeObjects(vec![10001, 10002, 10003]));
        let (bytes, summary) =
            block_on(async { dump(source(&db, None).await, plan, Compression::default(), 2).await });
        let index = summary.index;
        // 200,000 bytes are four pieces, 300,013 are five; the empty object has none.
        assert_eq!(index.large_objects.as_ref().unwrap().counted.rows, 9);
        verify_seekable(std::io::Cursor::new(&bytes), &Silent).unwrap();

        let copy = server.database("lo_copy");
        copy.execute("SELECT lo_create(10001), lo_create(10002), lo_create(10003);");
        let mut psql = copy.psql();
        psql.args(["--single-transaction", "-v", "ON_ERROR_STOP=1", "-q"]);
        let done = support::run_with_input(&mut psql, &gunzip(&bytes)).ok();
        assert_eq!(done.stderr, "", "psql has nothing to warn of");
        let content =
            "SELECT loid, md5(lo_get(loid)) FROM (SELECT oid loid FROM pg_largeobject_metadata) l ORDER BY 1";
        assert_eq!(
            db.query_text(content),
            copy.query_text(content),
            "PostgreSQL {}",
            server.major()
        );
    }
}

/// A dump of the tables above in a file.
fn file(compression: Compression, suffix: &str) -> (tempfile::NamedTempFile, Index, Vec<u8>) {
    let db = support::server(support::newest()).database("file");
    db.execute(TABLES);
    let (bytes, summary) =
        block_on(async { dump(source(&db, None).await, plan(&db, &NAMES), compression, 2).await });
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    (file, summary.index, copied(&db, "Odd name"))
}

#[test]
fn other_programs_read_the_file() {
    let (gz, index, _) = file(Compression::default(), ".sql.gz");
    let path = gz.path().to_str().unwrap();
    let text = gunzip(&std::fs::read(path).unwrap());
    assert!(text.len() as u64 > index.text);
    run(Command::new("gzip").args(["-t", path])).ok();
    for (program, arguments) in [
        ("zcat", vec![path]),
        ("pigz", vec!["-dc", path]),
        (
            "python3",
            vec![
                "-c",
                "import gzip, sys, shutil; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)",
                path,
            ],
        ),
        (
            "perl",
            vec![
                "-MIO::Uncompress::Gunzip=:all",
                "-e",
                "gunzip $ARGV[0] => '-', MultiStream => 1, Strict => 1 or die $GunzipError",
                path,
            ],
        ),
    ] {
        let output = Command::new(program).args(arguments).output();
        let output = output.unwrap_or_else(|e| panic!("{program} cannot be run: {e}"));
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.stderr.is_empty(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout == text, "{program} reads something else");
    }

    let (zst, index, _) = file(Compression::Zstd(1), ".sql.zst");
    let path = zst.path().to_str().unwrap();
    run(Command::new("zstd").args(["-qt", path])).ok();
    let output = Command::new("zstd").args(["-dcq", path]).output().unwrap();
    assert_eq!(
        Index::parse(std::str::from_utf8(&output.stdout[index.text as usize..]).unwrap()).unwrap(),
        index
    );
}

#[test]
fn a_stranger_s_reader_finds_index_and_rows_by_the_format_s_description() {
    let (gz, index, odd) = file(Compression::default(), ".sql.gz");
    let format = include_str!("../../FORMAT.md");
    let (_, code) = format.split_once("```python\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let script = format!(
        "{code}
import sys
with open(sys.argv[1], 'rb') as file:
    lines = index(file)
    tables = [line['table'] for line in lines if 'table' in line]
    odd = next(t for t in tables if t['name'] == 'Odd name')
    sys.stderr.write(json.dumps([len(tables), odd['rows']]))
    sys.stdout.buffer.write(rows(file, odd))
"
    );
    let output = Command::new("python3")
        .args(["-c", &script])
        .arg(gz.path())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("[{}, 3]", index.tables.len())
    );
    assert_eq!(output.stdout, odd);
}

#[test]
fn a_dump_whose_members_are_checked_is_the_same_file() {
    let db = support::server(support::newest()).database("checked_members");
    db.execute("CREATE TABLE rows AS SELECT g AS id, md5(g::text) AS word FROM generate_series(1, 100000) g");
    let dir = tempfile::tempdir().unwrap();
    let dumped = |name: &str, more: &[&str]| {
        let file = dir.path().join(name);
        run(support::pgstow()
            .args(["dump", "--jobs", "2", "--dbname", &db.uri(), "--file"])
            .arg(&file)
            .args(more))
        .ok();
        let text = gunzip(&std::fs::read(file).unwrap());
        let end = usize::try_from(Index::locate(&text).unwrap()).unwrap();
        let mut index = Index::parse(std::str::from_utf8(&text[end..]).unwrap()).unwrap();
        index.header.snapshot_time.clear();
        (text[..end].to_vec(), index)
    };
    let unchecked = dumped("unchecked.sql.gz", &[]);
    assert_eq!(unchecked.1.rows(), 100_000);
    assert!(unchecked == dumped("checked.sql.gz", &["--check-members"]));
}
