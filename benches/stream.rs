//! The parts of the stream, one by one: receiving, hashing, compressing, writing, and together.
//!
//!     PGSTOW_BENCH_SCALE=0.3 cargo bench --bench stream
//!
//! Throughput is of COPY text on one core, except where it says otherwise; of five runs the fastest counts.

#[path = "dataset/mod.rs"]
mod dataset;
#[allow(dead_code, unused_imports)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, pin_mut};
use pgstow::archive::{Compression, Digest, Header, LineDigest, Member, Writer, encoder};
use pgstow::connect::{Settings, Snapshot, SnapshotOptions, connect};
use pgstow::event::Silent;
use pgstow::{catalog, dump, plan};
use tokio_util::sync::CancellationToken;

/// Tables of different character.
const TABLES: [&str; 4] = ["links", "measurements", "events", "files"];
/// Text kept of each to work on.
const SAMPLE: usize = 48 << 20;

fn main() {
    let (_server, uri) = dataset::prepare();
    let settings = Settings::resolve(Some(&uri)).expect("the URI is well-formed");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    println!("{:<44} {:>10} {:>12} {:>8}", "", "MB/s", "rows/s", "ratio");
    for table in TABLES {
        let text = runtime.block_on(receive(&settings, table));
        let rows = memchr::memchr_iter(b'\n', &text).count();
        let size = text.len();
        let took = fastest(|| {
            let mut digest = LineDigest::default();
            digest.update(&text);
            black_box(digest.take());
        });
        report(&format!("{table}: hash"), size, rows, took, None);
        for compression in [
            "gzip", "gzip:2", "gzip:3", "gzip:4", "gzip:6", "gzip:9", "zstd:1", "zstd:2", "zstd:3", "zstd:6",
            "zstd:9",
        ] {
            compress(
                table,
                compression.parse().expect("it is well-formed"),
                &text,
                rows,
            );
        }
        write(table, &text, rows);
    }
    for jobs in [1, 2, 4] {
        let mut text = 0;
        let took = fastest(|| text = runtime.block_on(whole(&settings, jobs)));
        report(
            &format!("whole stream, no compression, {jobs} jobs"),
            text,
            0,
            took,
            None,
        );
    }
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..5).map(time).min().expect("there were runs")
}

fn report(what: &str, bytes: usize, rows: usize, took: Duration, compressed: Option<usize>) {
    let seconds = took.as_secs_f64();
    let ratio = compressed.map_or(String::new(), |c| format!("{:.3}", bytes as f64 / c as f64));
    println!(
        "{what:<44} {:>10.0} {:>12.0} {ratio:>8}",
        bytes as f64 / 1e6 / seconds,
        rows as f64 / seconds
    );
}

/// Receives a table by both readers; gives the beginning of its text.
async fn receive(settings: &Settings, table: &str) -> Vec<u8> {
    let statement = format!("COPY {table} TO STDOUT");
    let session = connect(settings).await.expect("the server runs");
    let began = Instant::now();
    let (mut bytes, mut rows) = (0, 0);
    {
        let stream = session
            .client
            .copy_out(&statement)
            .await
            .expect("the table is there");
        pin_mut!(stream);
        while let Some(piece) = stream.next().await {
            bytes += piece.expect("the server sends").len();
            rows += 1;
        }
    }
    report(
        &format!("{table}: receive by tokio-postgres"),
        bytes,
        rows,
        began.elapsed(),
        None,
    );
    let mut reader = session.into_copy_reader().await.expect("the session is idle");
    let mut text = Vec::with_capacity(SAMPLE);
    let mut took = Duration::MAX;
    for run in 0..3 {
        let began = Instant::now();
        let take = |piece: &[u8]| {
            if run == 0 && text.len() + piece.len() <= SAMPLE {
                text.extend_from_slice(piece);
            }
            black_box(piece);
            Ok(())
        };
        reader.copy_out(&statement, take).await.expect("the server sends");
        took = took.min(began.elapsed());
    }
    report(&format!("{table}: receive"), bytes, rows, took, None);
    let end = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
    text.truncate(end);
    text
}

fn compress(table: &str, compression: Compression, text: &[u8], rows: usize) {
    let mut encoder = encoder(compression);
    let mut size = 0;
    let took = fastest(|| {
        size = text
            .chunks(compression.member_size())
            .map(|piece| encoder.encode(piece).len())
            .sum()
    });
    report(
        &format!("{table}: {compression}"),
        text.len(),
        rows,
        took,
        Some(size),
    );
}

/// Ordered writing: members that are ready, into a file.
fn write(table: &str, text: &[u8], rows: usize) {
    let compression = Compression::default();
    let mut encoder = encoder(compression);
    let pieces = text.chunks(compression.member_size());
    let members: Vec<Member> = pieces
        .map(|piece| Member {
            bytes: encoder.encode(piece).to_vec(),
            text: piece.len() as u64,
            spans: Vec::new(),
            sql: Digest::default(),
        })
        .collect();
    let took = fastest(|| {
        let file = tempfile::tempfile().expect("a temporary file can be made");
        let mut writer = Writer::new(file, compression, Header::default(), Vec::new());
        members
            .iter()
            .for_each(|member| writer.member(member).expect("the disk has room"));
        let (mut file, _) = writer.finish().expect("the disk has room");
        file.flush().expect("the disk has room");
    });
    report(&format!("{table}: write members"), text.len(), rows, took, None);
}

/// Everything but compression, to nowhere: receiving, cutting, hashing, ordering.
async fn whole(settings: &Settings, jobs: usize) -> usize {
    let leader = connect(settings).await.expect("the server runs");
    let snapshot = Snapshot::take(&leader, &SnapshotOptions::default())
        .await
        .expect("a snapshot can be taken");
    let catalog = catalog::load(&leader).await.expect("the catalog can be read");
    let options = plan::Options {
        create: false,
        clean: false,
        if_exists: false,
        owners: true,
        privileges: true,
        schema: true,
        rows: true,
    };
    let plan = plan::build(&catalog, &options).expect("the catalog is understood");
    let source = dump::Source {
        settings: settings.clone(),
        leader,
        snapshot,
    };
    let options = dump::Options {
        compression: Compression::None,
        jobs: Some(jobs),
        ..dump::Options::default()
    };
    let cancel = CancellationToken::new();
    let done = dump::stream(source, plan, std::io::sink(), options, Arc::new(Silent), &cancel).await;
    done.expect("the dump succeeds").1.text as usize
}
