//! What our gzip encoder writes, every decoder at hand reads back: zlib-rs, libdeflate, miniz_oxide, a strict one of our
//! own, and gunzip, pigz, Python's zlib and Go's compress/flate as programs.

mod strict;

#[allow(dead_code, reason = "names and shares are for the benchmark")]
#[path = "../../benches/deflate/data.rs"]
mod data;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use pgstow::deflate::{Encoder, bound};
use proptest::prelude::*;

use crate::support;

fn encode(encoder: &mut Encoder, text: &[u8]) -> Vec<u8> {
    let mut member = Vec::new();
    encoder.encode_member(text, &mut member);
    assert!(
        member.len() <= bound(text.len()),
        "{} bytes became {}",
        text.len(),
        member.len()
    );
    member
}

/// Decodes by every library; the strict decoder is slow, so it gets only what is not huge.
fn assert_decodes(member: &[u8], text: &[u8]) {
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(member)
        .read_to_end(&mut decoded)
        .expect("zlib-rs reads it");
    assert!(decoded == text, "zlib-rs reads other bytes");
    decoded.fill(0);
    let written = libdeflater::Decompressor::new()
        .gzip_decompress(member, &mut decoded)
        .expect("libdeflate reads it");
    assert!(decoded[..written] == *text, "libdeflate reads other bytes");
    // No bytes may follow the last block but the trailer.
    let blocks = &member[10..member.len() - 8];
    decoded.fill(0);
    let mut state = miniz_oxide::inflate::core::DecompressorOxide::new();
    let flags = miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) =
        miniz_oxide::inflate::core::decompress(&mut state, blocks, &mut decoded, 0, flags);
    assert_eq!(
        status,
        miniz_oxide::inflate::TINFLStatus::Done,
        "miniz_oxide refuses it"
    );
    assert_eq!(read, blocks.len());
    assert!(decoded[..written] == *text, "miniz_oxide reads other bytes");
    if text.len() < 70_000 {
        let decoded = strict::decode(member).expect("a strict decoder reads it");
        assert!(decoded == text, "a strict decoder reads other bytes");
    }
}

fn assert_round_trip(text: &[u8]) {
    assert_decodes(&encode(&mut Encoder::new(), text), text);
}

/// SplitMix64.
fn random(seed: u64) -> impl Iterator<Item = u8> {
    (1u64..).flat_map(move |i| {
        let z = (seed.wrapping_add(i)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()
    })
}

/// Texts that reach into the corners: sizes around the borders of chunks, blocks and windows, few symbols or all,
/// periods about the window's size, matches of each length.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![
        4 => 0usize..300,
        4 => 0usize..70_000,
        3 => (1usize..9, 0usize..40).prop_map(|(chunks, off)| (chunks * 32_768 + 20).saturating_sub(off)),
        1 => 0usize..(1 << 20),
    ];
    let symbols = prop_oneof![Just(1u64), Just(2), Just(10), Just(64), Just(256)];
    let noise = (size.clone(), symbols, any::<u64>()).prop_map(|(size, symbols, seed)| {
        random(seed)
            .take(size)
            .map(|b| (u64::from(b) % symbols) as u8)
            .collect()
    });
    let period = prop_oneof![1usize..300, 32_600usize..32_900, 65_400usize..65_700];
    let periodic = (size.clone(), period, any::<u64>()).prop_map(|(size, period, seed)| {
        let once: Vec<u8> = random(seed).take(period).collect();
        once.into_iter().cycle().take(size).collect()
    });
    let copies = (
        proptest::collection::vec((3usize..300, 1usize..40_000, 0usize..6), 1..400),
        any::<u64>(),
    )
        .prop_map(|(copies, seed)| {
            let mut noise = random(seed);
            let mut text: Vec<u8> = noise.by_ref().take(40).collect();
            for (length, distance, literals) in copies {
                let distance = distance.min(text.len());
                for _ in 0..length {
                    text.push(text[text.len() - distance]);
                }
                text.extend(noise.by_ref().take(literals));
            }
            text
        });
    let rows = (size, 0..data::KINDS.len(), 0usize..5_000)
        .prop_map(|(size, kind, skip)| data::KINDS[kind].bytes(size + skip)[skip..].to_vec());
    prop_oneof![2 => noise.boxed(), 2 => periodic.boxed(), 3 => copies.boxed(), 1 => rows.boxed()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// One encoder takes both, so a trace of the first member in the second would show.
    #[test]
    fn whatever_is_encoded_decodes_to_the_same_bytes(first in text(), second in text()) {
        let mut encoder = Encoder::new();
        let member = encode(&mut encoder, &first);
        assert_decodes(&member, &first);
        let member = encode(&mut encoder, &second);
        assert_decodes(&member, &second);
        prop_assert!(member == encode(&mut Encoder::new(), &second), "a member depends on the one before");
    }
}

#[test]
fn sizes_from_nothing_on_decode() {
    let noise: Vec<u8> = random(7).take(600).collect();
    for size in 0..600 {
        assert_round_trip(&noise[..size]);
        assert_round_trip(&vec![b'x'; size]);
        assert_round_trip(&data::KINDS[0].bytes(600)[..size]);
    }
}

#[test]
fn matches_of_every_length_and_of_every_magnitude_of_distance_decode() {
    for length in (3..=40).chain(250..=262).chain([511, 516, 517, 520]) {
        let mut noise = random(length as u64);
        let head: Vec<u8> = noise.by_ref().take(length).collect();
        for gap in [
            0,
            1,
            2,
            4,
            30,
            500,
            8_000,
            32_760usize.saturating_sub(length),
            32_768,
        ] {
            let mut text = head.clone();
            text.extend(noise.by_ref().take(gap));
            text.extend_from_slice(&head);
            text.extend(noise.by_ref().take(20));
            assert_round_trip(&text);
        }
    }
}

#[test]
fn four_mebibytes_of_anything_decode() {
    const SIZE: usize = 4 << 20;
    assert_round_trip(&vec![0; SIZE]);
    assert_round_trip(&random(1).take(SIZE).collect::<Vec<u8>>());
    for kind in data::KINDS {
        assert_round_trip(&kind.bytes(SIZE));
    }
    // Noise in which rows begin and end: stored, dynamic and again stored blocks share bytes.
    let mut mixed = Vec::new();
    for (i, kind) in data::KINDS.iter().cycle().take(30).enumerate() {
        mixed.extend(random(i as u64).take(90_000 + 7 * i));
        mixed.extend(kind.bytes(50_000 + 11 * i));
    }
    assert_round_trip(&mixed);
}

#[test]
fn noise_grows_by_no_more_than_the_bound() {
    for size in [1, 1_000, 65_535, 65_536, 131_072, 131_073, 1 << 20] {
        let noise: Vec<u8> = random(3).take(size).collect();
        let member = encode(&mut Encoder::new(), &noise);
        assert!(member.len() > size, "noise does not shrink");
        assert!(
            bound(size) <= size + 18 + 5 * (size / 43_690 + 4),
            "the bound of {size} is {}",
            bound(size)
        );
    }
}

/// The bytes must not change from machine to machine, nor by accident from version to version: a dump of the same
/// snapshot is the same file.
#[test]
fn the_same_rows_give_the_same_bytes_everywhere() {
    let sums: Vec<u32> = data::KINDS
        .iter()
        .map(|kind| crc32fast::hash(&encode(&mut Encoder::new(), &kind.bytes(300_000))))
        .collect();
    assert_eq!(
        sums,
        [593185370, 1453208902, 3175232605, 689795090, 2709512040],
        "if the encoder was changed on purpose, put the new sums here"
    );
}

/// A file of several members, as a dump is one, and what it decodes to.
fn several_members() -> (Vec<u8>, Vec<u8>) {
    let (mut file, mut text) = (Vec::new(), Vec::new());
    let mut encoder = Encoder::new();
    let mut append = |rows: Vec<u8>| {
        encoder.encode_member(&rows, &mut file);
        text.extend(rows);
    };
    for kind in data::KINDS.iter().chain(data::GENERAL) {
        append(kind.bytes(700_000));
    }
    append(Vec::new());
    append(random(5).take(200_000).collect());
    append(vec![b'0'; 300_000]);
    (file, text)
}

fn assert_program_decodes(program: &str, arguments: &[&str]) {
    let (file, text) = several_members();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {program} (Debian: apt-get install gzip pigz python3): {e}"));
    let mut stdin = child.stdin.take().expect("it was piped");
    let feeder = std::thread::spawn(move || stdin.write_all(&file));
    let output = child.wait_with_output().expect("it ends");
    feeder
        .join()
        .expect("it does not panic")
        .expect("the program reads all");
    assert!(output.status.success(), "{program} fails: {}", output.status);
    assert!(output.stdout == text, "{program} reads other bytes");
}

#[test]
fn gunzip_reads_it() {
    assert_program_decodes("gzip", &["-dc"]);
}

#[test]
fn pigz_reads_it() {
    assert_program_decodes("pigz", &["-dc"]);
}

#[test]
fn python_reads_it() {
    let script = "import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    assert_program_decodes("python3", &["-c", script]);
}

/// Go's decoder is its own, and strict. A program in Go decodes what it downloads, if it was sent as gzip.
#[test]
fn go_reads_it() {
    let (file, text) = several_members();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("direnv connects");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("it asks");
        let asked = String::from_utf8_lossy(&request[..length]).to_lowercase();
        assert!(asked.contains("accept-encoding: gzip"), "{asked}");
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n", file.len()).expect("it listens");
        stream.write_all(&file).expect("it reads all");
    });
    let cache = tempfile::tempdir().unwrap();
    support::run(
        support::direnv()
            .args(["fetchurl", &url])
            .env("XDG_CACHE_HOME", cache.path()),
    )
    .ok();
    server.join().expect("it does not panic");
    let kept: Vec<_> = std::fs::read_dir(cache.path().join("direnv/cas"))
        .expect("it keeps files by their hash")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    assert_eq!(kept.len(), 1);
    assert!(
        std::fs::read(&kept[0]).expect("it can be read") == text,
        "Go reads other bytes"
    );
}
