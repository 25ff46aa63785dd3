//! The reader of scripts on any bytes: it never panics, what it cuts joins again to its input, and where it cuts does not
//! depend on the blocks. Run with `cargo +nightly fuzz run script`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pgstow::script::{Lexer, Piece};

/// The pieces of the script and whether it was read to its end.
fn cut(script: &[u8], block: usize) -> (Vec<Piece>, bool) {
    let mut lexer = Lexer::new();
    let mut pieces = Vec::new();
    for block in script.chunks(block).map(Some).chain([None]) {
        match block {
            Some(block) => lexer.push(Bytes::copy_from_slice(block)),
            None => lexer.finish(),
        }
        loop {
            match lexer.cut() {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break,
                Err(_) => return (pieces, false),
            }
        }
    }
    (pieces, true)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (block, script) = input;
    let statements = |pieces: &[Piece]| -> Vec<Piece> {
        pieces.iter().filter(|p| matches!(p, Piece::Statement(_))).cloned().collect()
    };
    let (whole, done) = cut(script, usize::MAX);
    let joined: Vec<u8> = whole.iter().flat_map(|p| p.bytes().to_vec()).collect();
    assert!(script.starts_with(&joined));
    assert!(!done || joined == script);
    let (parts, parts_done) = cut(script, usize::from(block) + 1);
    assert_eq!(done, parts_done);
    assert_eq!(statements(&whole), statements(&parts));
});
