//! How fast COPY text is made into binary rows, on one core, per kind of rows.
//!
//! ```text
//! cargo bench --bench binary
//! ```
//!
//! The least processor time of all rounds counts, so that a busy machine disturbs little. Pieces are as large as a
//! restore's.

use std::time::Duration;

use pgstow::restore::binary::Converter;
use rustix::time::{ClockId, clock_gettime};
use tokio_postgres::types::Type;

/// Bytes of text that are converted at once, and bytes of rows that are sent together.
const PIECE: (usize, usize) = (64 << 10, 256 << 10);
const ROUNDS: usize = 7;

/// Processor time of this thread so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn measure(name: &str, types: &[Type], row: impl Fn(usize) -> String) {
    let types: Vec<_> = types.iter().map(Type::oid).collect();
    let mut text = String::new();
    let mut rows = 0;
    while text.len() < 64 << 20 {
        text.push_str(&row(rows));
        rows += 1;
    }
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let mut out = Vec::with_capacity(PIECE.0 + PIECE.1);
        let start = processor_time();
        let mut converter = Converter::new(&types).expect("the types can be converted");
        converter.begin(&mut out);
        for piece in text.as_bytes().chunks(PIECE.0) {
            converter.rows(piece, &mut out).expect("the rows are a server's");
            if out.len() >= PIECE.1 {
                out.clear();
            }
        }
        converter.end(&mut out).expect("the rows are whole");
        best = best.min(processor_time() - start);
    }
    println!(
        "{name:<24} {:>8.0} MB/s {:>8.0} ns a row",
        text.len() as f64 / 1e6 / best.as_secs_f64(),
        best.as_secs_f64() * 1e9 / rows as f64
    );
}

fn main() {
    use Type as T;
    let long = "some longer text that is ordinary ".repeat(4);
    measure(
        "text",
        &[T::INT8, T::TEXT, T::TIMESTAMPTZ, T::JSONB, T::TEXT],
        |i| {
            let at = format!("2024-02-{:02} 12:{:02}:00.125+00", 1 + i % 29, i % 60);
            format!(
                "{i}\tname {i}\t{at}\t{{\"ip\": \"10.0.0.{}\", \"ok\": true}}\t{long}\n",
                i % 256
            )
        },
    );
    measure("text with escapes", &[T::INT8, T::TEXT], |i| {
        format!("{i}\tC:\\\\path\\\\{i}\\n\\tnext line of \\\\it\n")
    });
    measure(
        "numbers",
        &[
            T::INT4,
            T::TIMESTAMP,
            T::NUMERIC,
            T::NUMERIC,
            T::FLOAT8,
            T::FLOAT4,
        ],
        |i| {
            let at = format!("2024-02-{:02} 12:{:02}:00", 1 + i % 29, i % 60);
            let (whole, ratio) = (i * 7919 % 10_000, (i as f64).sqrt().fract());
            format!(
                "{i}\t{at}\t{whole}.{:04}\t{}\t{ratio}\t{whole}.125\n",
                i % 10_000,
                i % 1000
            )
        },
    );
    measure("bytes", &[T::INT4, T::UUID, T::BYTEA], |i| {
        let hex = "0123456789abcdef".repeat(2000);
        format!("{i}\t{i:08x}-1111-2222-3333-444455556666\t\\\\x{hex}\n")
    });
}
