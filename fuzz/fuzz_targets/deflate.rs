//! Any text, encoded, decodes to itself and keeps to the bound.
//!
//! The input is read as a program that makes the text, for texts of megabytes with matches of chosen lengths and
//! distances are beyond what a fuzzer would type: bytes of 128 and more copy what was before, others stand for themselves.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use pgstow::deflate::{Encoder, bound};

const LONGEST: usize = 4 << 20;

fn text(mut program: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((&byte, rest)) = program.split_first() {
        program = rest;
        match (byte, rest) {
            (128.., [a, b, c, rest @ ..]) if !text.is_empty() => {
                let length = usize::from(byte - 128) << (c & 15);
                let distance = usize::from(u16::from_le_bytes([*a, *b])).clamp(1, text.len());
                let length = length.min(LONGEST - text.len());
                (0..length).for_each(|_| text.push(text[text.len() - distance]));
                program = rest;
            }
            _ => text.push(byte),
        }
        if text.len() >= LONGEST {
            break;
        }
    }
    text
}

fuzz_target!(|program: &[u8]| {
    let text = text(program);
    let mut member = Vec::new();
    Encoder::new().encode_member(&text, &mut member);
    assert!(member.len() <= bound(text.len()));
    let mut decoded = vec![0; text.len()];
    let written = libdeflater::Decompressor::new().gzip_decompress(&member, &mut decoded);
    assert_eq!(written.ok(), Some(text.len()));
    assert!(decoded == text);
    decoded.clear();
    flate2::read::GzDecoder::new(&member[..])
        .read_to_end(&mut decoded)
        .unwrap();
    assert!(decoded == text);
});
