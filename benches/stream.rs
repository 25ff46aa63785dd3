//! The parts of the stream, one by one: receiving, hashing, cutting, compressing, writing, and all together.
//!
//!     PGSTOW_BENCH_SCALE=0.3 cargo bench --bench stream
//!     cargo bench --bench stream -- compress
//!
//! Throughput is of COPY text on one core, except where it says otherwise. What the codecs make of the text follows at
//! the end.

#[path = "dataset/mod.rs"]
mod dataset;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use futures_util::{StreamExt, pin_mut};
use pgstow::archive::{Compression, Digest, Header, LineDigest, Member, Owner, Writer, encoder};
use pgstow::connect::{CopyReader, Settings, Snapshot, SnapshotOptions, connect};
use pgstow::dump::Cutter;
use pgstow::event::Silent;
use pgstow::{catalog, dump, plan};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Tables of different character.
const TABLES: [&str; 4] = ["links", "measurements", "events", "files"];
/// Text kept of each to work on, in bytes.
const SAMPLE: usize = 24 << 20;
const COMPRESSIONS: [&str; 9] = [
    "gzip", "gzip:2", "gzip:4", "gzip:6", "gzip:9", "zstd:1", "zstd:3", "zstd:6", "zstd:9",
];

static GROUND: OnceLock<Ground> = OnceLock::new();

fn main() {
    let (_server, uri) = dataset::prepare();
    let ground = Ground::new(&uri);
    assert!(GROUND.set(ground).is_ok(), "it is made once");
    divan::main();
    print_ratios();
}

/// The database, and the beginning of the text of each table.
struct Ground {
    settings: Settings,
    runtime: Runtime,
    samples: Vec<Vec<u8>>,
}

impl Ground {
    fn new(uri: &str) -> Ground {
        let settings = Settings::resolve(Some(uri)).expect("the URI is well-formed");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let samples = TABLES.map(|table| runtime.block_on(sample(&settings, table)));
        Ground {
            settings,
            runtime,
            samples: samples.into(),
        }
    }

    fn reader(&self) -> CopyReader {
        self.runtime.block_on(reader(&self.settings))
    }
}

async fn reader(settings: &Settings) -> CopyReader {
    let session = connect(settings).await.expect("the server runs");
    session.into_copy_reader().await.expect("the session is idle")
}

/// The first rows of a table.
async fn sample(settings: &Settings, table: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(SAMPLE);
    let take = |piece: &[u8]| {
        if text.len() + piece.len() <= SAMPLE {
            text.extend_from_slice(piece);
        }
        Ok(())
    };
    let mut reader = reader(settings).await;
    reader
        .copy_out(&copy(table), take)
        .await
        .expect("the server sends");
    let end = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
    text.truncate(end);
    text
}

fn copy(table: &str) -> String {
    format!("COPY {table} TO STDOUT")
}

fn ground() -> &'static Ground {
    GROUND.get().expect("main makes it")
}

fn text(table: &str) -> &'static [u8] {
    let at = TABLES.iter().position(|name| *name == table);
    &ground().samples[at.expect("it is one of the tables")]
}

fn rows(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// Throughput in bytes and in rows.
fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, text: &[u8]) -> Bencher<'a, 'b> {
    bencher
        .counter(BytesCount::of_slice(text))
        .counter(ItemsCount::new(rows(text)))
}

/// A whole table by the hand-written reader; the text is counted once.
#[divan::bench(args = TABLES, sample_count = 5, sample_size = 1)]
fn receive(bencher: Bencher, table: &str) {
    let mut reader = ground().reader();
    let (mut bytes, mut lines) = (0, 0);
    let counting = |piece: &[u8]| {
        bytes += piece.len();
        lines += rows(piece);
        Ok(())
    };
    let block = |work: &mut dyn FnMut(&[u8]) -> pgstow::Result<()>, reader: &mut CopyReader| {
        let copied = ground().runtime.block_on(reader.copy_out(&copy(table), work));
        copied.expect("the server sends");
    };
    let mut counting = counting;
    block(&mut counting, &mut reader);
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(lines))
        .bench_local(|| {
            let mut nothing = |piece: &[u8]| {
                divan::black_box(piece);
                Ok(())
            };
            block(&mut nothing, &mut reader);
        });
}

/// The same by the protocol library's own reader.
#[divan::bench(args = TABLES, sample_count = 3, sample_size = 1)]
fn receive_by_tokio_postgres(bencher: Bencher, table: &str) {
    let Ground {
        settings, runtime, ..
    } = ground();
    let session = runtime.block_on(connect(settings)).expect("the server runs");
    let receive = || {
        runtime.block_on(async {
            let (mut bytes, mut rows) = (0, 0);
            let stream = session.client.copy_out(&copy(table)).await;
            let stream = stream.expect("the table is there");
            pin_mut!(stream);
            while let Some(piece) = stream.next().await {
                bytes += piece.expect("the server sends").len();
                rows += 1;
            }
            (bytes, rows)
        })
    };
    let (bytes, rows): (usize, usize) = receive();
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(rows))
        .bench_local(receive);
}

/// A digest over each row.
#[divan::bench(args = TABLES, sample_count = 9, sample_size = 1)]
fn hash(bencher: Bencher, table: &str) {
    let text = text(table);
    counted(bencher, text).bench_local(|| {
        let mut digest = LineDigest::default();
        digest.update(text);
        digest.take()
    });
}

/// Rows as they come from a socket into members of hashed rows, not compressed.
#[divan::bench(args = TABLES, sample_count = 9, sample_size = 1)]
fn cut(bencher: Bencher, table: &str) {
    let text = text(table);
    counted(bencher, text).bench_local(|| {
        let mut cutter = Cutter::new(Compression::None, false);
        cutter.begin_rows(Owner::Table(0));
        for piece in text.chunks(64 << 10) {
            let emit = |member: Member| {
                divan::black_box(member);
                Ok::<(), Infallible>(())
            };
            let Ok(()) = cutter.rows(piece, emit);
        }
        cutter.end_rows();
        cutter.finish()
    });
}

/// A codec at a level, on one table's text.
struct Packed {
    table: &'static str,
    compression: &'static str,
}

impl fmt::Display for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.compression, self.table)
    }
}

impl Packed {
    fn all() -> impl Iterator<Item = Packed> {
        let tables = TABLES.iter();
        tables.flat_map(|&table| COMPRESSIONS.map(|compression| Packed { table, compression }))
    }

    fn size(&self) -> usize {
        let compression: Compression = self.compression.parse().expect("it is well-formed");
        let mut encoder = encoder(compression);
        let members = text(self.table).chunks(compression.member_size());
        members.map(|piece| encoder.encode(piece).len()).sum()
    }
}

#[divan::bench(args = Packed::all(), sample_count = 3, sample_size = 1)]
fn compress(bencher: Bencher, packed: &Packed) {
    counted(bencher, text(packed.table)).bench_local(|| packed.size());
}

fn print_ratios() {
    println!("text to compressed bytes:");
    for packed in Packed::all() {
        let ratio = text(packed.table).len() as f64 / packed.size() as f64;
        println!("{:<24} {ratio:.3}", packed.to_string());
    }
}

/// Members that are ready, in order into a file. Throughput is of compressed bytes.
#[divan::bench(sample_count = 9, sample_size = 1)]
fn write(bencher: Bencher) {
    let compression = Compression::default();
    let mut encoder = encoder(compression);
    let pieces = text("files").chunks(compression.member_size());
    let members: Vec<Member> = pieces
        .map(|piece| Member {
            bytes: encoder.encode(piece).to_vec(),
            text: piece.len() as u64,
            spans: Vec::new(),
            sql: Digest::default(),
        })
        .collect();
    let bytes: usize = members.iter().map(|member| member.bytes.len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let file = tempfile::tempfile().expect("a temporary file can be made");
        let mut writer = Writer::new(file, compression, Header::default(), Vec::new());
        members
            .iter()
            .for_each(|member| writer.member(member).expect("the disk has room"));
        let (mut file, _) = writer.finish().expect("the disk has room");
        file.flush().expect("the disk has room");
    });
}

/// Everything but compression, to nowhere, by so many jobs.
#[divan::bench(args = [1, 2, 4], sample_count = 3, sample_size = 1)]
fn whole_stream(bencher: Bencher, jobs: usize) {
    let runtime = &ground().runtime;
    let bytes = runtime.block_on(stream(jobs));
    bencher
        .counter(BytesCount::new(bytes))
        .bench_local(|| runtime.block_on(stream(jobs)));
}

/// Bytes of text that were streamed.
async fn stream(jobs: usize) -> u64 {
    let settings = &ground().settings;
    let leader = connect(settings).await.expect("the server runs");
    let snapshot = Snapshot::take(&leader, &SnapshotOptions::default())
        .await
        .expect("a snapshot can be taken");
    let catalog = catalog::load(&leader).await.expect("the catalog can be read");
    let options = plan::Options::default();
    let plan = plan::build(catalog, &options, &catalog::Choice::all()).expect("the catalog is understood");
    let source = dump::Source {
        settings: settings.clone(),
        leader,
        snapshot,
        encoding: None,
    };
    let options = dump::Options {
        compression: Compression::None,
        jobs: Some(jobs),
        ..dump::Options::default()
    };
    let cancel = CancellationToken::new();
    let done = dump::stream(source, plan, std::io::sink(), options, Arc::new(Silent), &cancel).await;
    done.expect("the dump succeeds").1.text
}
