//! Each value against the server's own binary form, in both directions.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use pgstow::connect::{Session, Settings, connect};
use pgstow::restore::binary::Converter;
use tokio_postgres::types::Oid;

use super::{SINCE_14, VALUES, table};
use crate::support::{self, Db, block_on};

/// The settings of a dump, for a session of a test.
const AS_DUMPED: &str =
    "SET datestyle = 'ISO, MDY'; SET timezone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = hex";

async fn session(db: &Db<'_>) -> Session {
    let session = connect(&Settings::resolve(Some(&db.uri())).unwrap())
        .await
        .unwrap();
    session.client.batch_execute(AS_DUMPED).await.unwrap();
    session
}

async fn copied_out(session: &Session, copy: &str) -> Vec<u8> {
    let stream = session.client.copy_out(copy).await;
    let mut stream = Box::pin(stream.unwrap_or_else(|e| panic!("{copy}: {e:?}")));
    let mut all = Vec::new();
    while let Some(data) = stream.next().await {
        all.extend_from_slice(&data.unwrap());
    }
    all
}

/// Loads rows into the table `t`, and gives it as text again, or the server's error.
async fn copied_in(session: &Session, options: &str, data: Vec<u8>) -> Result<String, String> {
    session.client.batch_execute("TRUNCATE t").await.unwrap();
    let copy = format!("COPY t FROM STDIN {options}");
    let mut sink = Box::pin(session.client.copy_in(&copy).await.unwrap());
    let sent = match sink.send(Bytes::from(data)).await {
        Ok(()) => sink.as_mut().finish().await,
        Err(e) => Err(e),
    };
    match sent {
        Ok(_) => Ok(String::from_utf8(copied_out(session, "COPY t TO STDOUT").await).unwrap()),
        Err(e) => Err(e.as_db_error().unwrap().code().code().to_string()),
    }
}

/// The text converted in pieces of this size; `None`: it is not fit to be.
fn converted(types: &[Oid], text: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut converter = Converter::new(types).expect("the types can be converted");
    let mut out = Vec::new();
    converter.begin(&mut out);
    for piece in text.chunks(size) {
        converter.rows(piece, &mut out).ok()?;
    }
    converter.end(&mut out).ok()?;
    Some(out)
}

async fn types(session: &Session, table: &str) -> Vec<Oid> {
    let query = format!(
        "SELECT atttypid FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped \
         ORDER BY attnum"
    );
    let rows = session.client.query(&query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn what_is_sent_is_what_the_server_itself_would_write() {
    for cluster in support::servers() {
        let db = cluster.database("binary_values");
        for (number, &values) in VALUES.iter().enumerate() {
            db.execute(&table(&format!("t{number}"), values, 3000));
            if values.0 == SINCE_14.0 && cluster.major() >= 14 {
                db.execute(&format!(
                    "INSERT INTO t{number} (v) SELECT unnest(ARRAY[{}]::{}[])",
                    SINCE_14.1, SINCE_14.0
                ));
            }
        }
        block_on(async {
            let session = session(&db).await;
            for (number, (kind, ..)) in VALUES.iter().enumerate() {
                let name = format!("t{number}");
                let types = types(&session, &name).await;
                let text = copied_out(&session, &format!("COPY {name} TO STDOUT")).await;
                let want = copied_out(&session, &format!("COPY {name} TO STDOUT (FORMAT binary)")).await;
                for size in [7, 4096, usize::MAX] {
                    let made = converted(&types, &text, size);
                    assert!(
                        made.as_ref() == Some(&want),
                        "PostgreSQL {}: {kind} in pieces of {size}: {}",
                        cluster.major(),
                        if made.is_some() { "not the same" } else { "unfit" }
                    );
                }
            }
        });
    }
}

/// Numbers that look random and are the same each time (SplitMix64).
fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::from_fn(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(bits ^ (bits >> 31))
    })
}

/// Binary rows that the server writes as text and we make binary again must be what they were.
#[test]
fn any_bits_come_back_through_the_servers_text() {
    /// Microseconds from the beginning of the year 1 on, and the years' end.
    const TIMES: (i64, i64) = (-63_082_281_600_000_000, 9_223_371_331_200_000_000);
    let within = |bits: u64, (low, high): (i64, i64)| {
        low.wrapping_add((bits % (high.wrapping_sub(low) as u64)) as i64)
    };
    for major in [support::majors()[0], support::newest()] {
        let db = support::server(major).database("binary_bits");
        db.execute("CREATE TABLE t (a float8, b float4, c timestamp, d timestamptz, e date, f int8, g uuid)");
        let mut rows = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let mut bits = random(20_000);
        let mut next = || bits.next().unwrap();
        for _ in 0..20_000 {
            // Of what is not a number a text tells no more than that.
            let a = Some(f64::from_bits(next()))
                .filter(|f| !f.is_nan())
                .unwrap_or(1.5);
            let b = Some(f32::from_bits(next() as u32))
                .filter(|f| !f.is_nan())
                .unwrap_or(1.5);
            let fields = [
                a.to_be_bytes().to_vec(),
                b.to_be_bytes().to_vec(),
                within(next(), TIMES).to_be_bytes().to_vec(),
                within(next(), TIMES).to_be_bytes().to_vec(),
                (within(next(), (-730_119, 2_145_031_949)) as i32)
                    .to_be_bytes()
                    .to_vec(),
                (next() as i64 >> (next() % 64)).to_be_bytes().to_vec(),
                [next().to_be_bytes(), next().to_be_bytes()].concat(),
            ];
            rows.extend((fields.len() as i16).to_be_bytes());
            for field in fields {
                rows.extend((field.len() as i32).to_be_bytes());
                rows.extend(field);
            }
        }
        rows.extend([0xff, 0xff]);
        block_on(async {
            let session = session(&db).await;
            let text = copied_in(&session, "(FORMAT binary)", rows.clone())
                .await
                .unwrap();
            let made = converted(&types(&session, "t").await, text.as_bytes(), 1 << 16);
            assert!(made == Some(rows), "PostgreSQL {major}");
        });
    }
}

/// What a type's length and scale do to a value, and what they refuse, is the same for both forms.
#[test]
fn a_server_does_with_binary_rows_what_it_does_with_text() {
    for cluster in support::servers() {
        let db = cluster.database("binary_typmods");
        block_on(async {
            let session = session(&db).await;
            for (kind, value) in [
                ("varchar(3)", "abc  "),
                ("varchar(3)", "abcd"),
                ("varchar(3)", "äöü"),
                ("char(3)", "abc  "),
                ("char(3)", "a"),
                ("char(3)", "abcd"),
                ("numeric(5,2)", "123.456"),
                ("numeric(5,2)", "99999.9"),
                ("numeric(5,2)", "-0.005"),
                ("numeric(3,0)", "NaN"),
                ("timestamp(0)", "2024-02-29 23:59:59.5"),
                ("timestamp(3)", "2024-02-29 23:59:59.9996"),
                ("timestamptz(1)", "2024-02-29 23:59:59.96+00"),
                ("jsonb", "{\"a\": 1"),
                ("jsonb", "{\"a\": \"\\\\u0000\"}"),
                ("json", "nonsense"),
                ("json", ""),
                ("text", "a\0b"),
                ("text CHECK (v <> 'x')", "x"),
                ("text NOT NULL", "\\N"),
            ] {
                let create = format!("DROP TABLE IF EXISTS t; CREATE TABLE t (v {kind}, w date)");
                session.client.batch_execute(&create).await.unwrap();
                let text = format!("{value}\t2024-02-29\n").into_bytes();
                let binary = converted(&types(&session, "t").await, &text, 1000).unwrap();
                let want = copied_in(&session, "", text).await;
                let made = copied_in(&session, "(FORMAT binary)", binary).await;
                assert_eq!(made, want, "PostgreSQL {}: {kind}: {value:?}", cluster.major());
            }
        });
    }
}
