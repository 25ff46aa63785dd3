//! How fast the reader of scripts cuts, on one core, per kind of text.
//!
//! ```text
//! cargo bench --bench script                    # made-up text of all kinds
//! cargo bench --bench script -- FILE ...        # your own scripts, not compressed
//! ```
//!
//! The least processor time of all rounds counts, so that a busy machine disturbs little. Blocks are as large as a
//! restore's.

use std::time::Duration;

use bytes::Bytes;
use pgstow::script::{Lexer, Piece};
use rustix::time::{ClockId, clock_gettime};

const BLOCK: usize = 256 << 10;
const ROUNDS: usize = 7;

/// Processor time of this thread so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Cuts the text once; gives the number of statements.
fn cut(text: &Bytes) -> u64 {
    let mut lexer = Lexer::new();
    let mut statements = 0;
    let blocks = (0..text.len())
        .step_by(BLOCK)
        .map(|at| text.slice(at..text.len().min(at + BLOCK)));
    for block in blocks.map(Some).chain([None]) {
        match block {
            Some(block) => lexer.push(block),
            None => lexer.finish(),
        }
        while let Some(piece) = lexer.cut().expect("the text is a script") {
            statements += u64::from(matches!(piece, Piece::Statement(_)));
        }
    }
    statements
}

fn measure(name: &str, text: Bytes) {
    let mut best = Duration::MAX;
    let mut statements = 0;
    for _ in 0..ROUNDS {
        let start = processor_time();
        statements = cut(&text);
        best = best.min(processor_time() - start);
    }
    let megabytes = text.len() as f64 / 1e6;
    println!(
        "{name:<24} {megabytes:>8.1} MB {statements:>9} statements {:>8.0} MB/s",
        megabytes / best.as_secs_f64()
    );
}

fn repeated(head: &str, line: impl Fn(usize) -> String, tail: &str) -> Bytes {
    let mut text = head.to_string();
    let mut number = 0;
    while text.len() < 64 << 20 {
        text.push_str(&line(number));
        number += 1;
    }
    text.push_str(tail);
    text.into()
}

fn main() {
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    for file in &files {
        measure(file, std::fs::read(file).expect("the file can be read").into());
    }
    if !files.is_empty() {
        return;
    }
    let tables = |i| {
        format!(
            "--\n-- Name: t{i}; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE public.t{i} (\n    id bigint NOT \
             NULL,\n    name character varying(200) DEFAULT 'x''y'::character varying NOT NULL,\n    \"Quoted Name\" \
             timestamp with time zone DEFAULT now(),\n    CONSTRAINT c CHECK ((id > 0))\n);\n\n\n"
        )
    };
    measure("definitions", repeated("", tables, ""));
    let functions = |i| {
        format!(
            "CREATE FUNCTION public.f{i}(a integer) RETURNS integer\n    LANGUAGE plpgsql\n    AS $_$\nBEGIN\n    -- it's a \
             comment;\n    RETURN a + $1;\nEND;\n$_$;\n\n"
        )
    };
    measure("functions", repeated("", functions, ""));
    let inserts = |i| {
        format!(
            "INSERT INTO public.t{} VALUES ({i}, 'name {i}', '2024-01-01 00:00:00+00', NULL, 'some longer text that is \
             ordinary, it''s');\n",
            i % 100
        )
    };
    measure("INSERTs", repeated("", inserts, ""));
    let rows = |i| format!("{i}\tname {i}\t2024-01-01 00:00:00+00\t\\N\tsome longer text\\nthat\n");
    measure("rows", repeated("COPY t FROM stdin;\n", rows, "\\.\n"));
    let bytea = |i: usize| format!("{i}\t\\\\x{}\n", "0123456789abcdef".repeat(2000));
    measure("rows of bytea", repeated("COPY t FROM stdin;\n", bytea, "\\.\n"));
}
