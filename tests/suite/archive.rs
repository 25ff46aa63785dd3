//! The file format, without a server: what is written comes back, and damage is seen and told from absence.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use pgstow::archive::{
    Archive, COMPLETE, Compression, Digest, Encoder, Ending, Excerpt, Format, Header, Index, Member,
    OpenFile, Owner, Part, Reader, Span, Table, Wanted, Writer, each_piece, encoder, verify_seekable,
};
use pgstow::error::Kind;
use pgstow::event::Silent;

const COMPRESSIONS: [Compression; 4] = [
    Compression::Gzip,
    Compression::GzipLevel(6),
    Compression::Zstd(1),
    Compression::None,
];

/// Rows of table `t`, different for each table.
fn row(table: usize, i: usize) -> String {
    format!("{i}\ttable {table}\trow {}\t\\N\n", (i * 7919 + table) % 1009)
}

fn table(name: &str) -> Table {
    Table {
        schema: "public".into(),
        name: name.into(),
        columns: vec!["a".into(), "b".into()],
        ..Table::default()
    }
}

/// A member of pieces of text, each a table's rows or none's.
fn member(encoder: &mut dyn Encoder, pieces: &[(Option<usize>, String)]) -> Member {
    let mut member = Member::default();
    let mut text = String::new();
    for (owner, piece) in pieces {
        let mut digest = Digest::default();
        piece.lines().for_each(|line| digest.row(line.as_bytes()));
        match owner {
            Some(i) => member.spans.push(Span {
                owner: Owner::Table(*i),
                start: text.len() as u64,
                digest,
            }),
            None => member.sql.merge(&digest),
        }
        text.push_str(piece);
    }
    member.text = text.len() as u64;
    member.bytes = encoder.encode(text.as_bytes()).to_vec();
    member
}

/// An archive of three tables: `small` and `empty` share a member, `big` has several.
fn sample(compression: Compression) -> (Vec<u8>, Index) {
    let tables = vec![table("small"), table("empty"), table("big")];
    let header = Header {
        format: 1,
        database: "app".into(),
        ..Header::default()
    };
    let mut writer = Writer::new(Vec::new(), compression, header, tables);
    let mut encoder = encoder(compression);
    let mut add = |pieces: &[(Option<usize>, String)]| {
        writer.member(&member(&mut *encoder, pieces)).unwrap();
    };
    let copy = |name: &str| (None, format!("COPY public.{name} (a, b) FROM stdin;\n"));
    let end = || (None, "\\.\n\n".to_string());
    let rows =
        |t: usize, range: std::ops::Range<usize>| (Some(t), range.map(|i| row(t, i)).collect::<String>());
    add(&[(None, "-- PostgreSQL database dump\n\n".into())]);
    add(&[
        copy("small"),
        rows(0, 0..10),
        end(),
        copy("empty"),
        rows(1, 0..0),
        end(),
        copy("big"),
    ]);
    add(&[rows(2, 0..6_000)]);
    add(&[rows(2, 6_000..12_000)]);
    add(&[rows(2, 12_000..12_001), end(), (None, "SELECT 1;\n".into())]);
    let (bytes, summary) = writer.finish().unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (bytes, summary.index)
}

/// The text as a decoder that knows nothing of pgstow gives it.
fn text_of(compression: Compression, bytes: &[u8]) -> String {
    let mut text = String::new();
    match compression.format() {
        Format::Gzip => flate2::read::MultiGzDecoder::new(bytes)
            .read_to_string(&mut text)
            .unwrap(),
        Format::Zstd => zstd::Decoder::new(bytes)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap(),
        Format::Plain => (&mut &*bytes).read_to_string(&mut text).unwrap(),
    };
    text
}

fn rows_of<R: Read + Seek>(archive: &mut Archive<R>, name: &str) -> String {
    let table = archive.index().table("public", name).unwrap().clone();
    let mut reader = archive.rows(&table.rows).unwrap();
    let mut text = Vec::new();
    loop {
        let chunk = reader.chunk().unwrap();
        if chunk.is_empty() {
            return String::from_utf8(text).unwrap();
        }
        text.extend_from_slice(chunk);
    }
}

/// Counts what is read.
struct Counting<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        Ok(n)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn the_text_ends_with_the_index_and_the_complete_line() {
    for compression in COMPRESSIONS {
        let (bytes, index) = sample(compression);
        let text = text_of(compression, &bytes);
        assert!(text.ends_with(&format!("\n{COMPLETE}\n")), "{compression}");
        assert_eq!(Index::parse(&text[index.text as usize..]).unwrap(), index);
        let start = index.tables[2].rows.text as usize;
        assert!(text[start..].starts_with(&row(2, 0)), "{compression}");
    }
}

#[test]
fn tables_read_by_the_index_are_what_was_written() {
    for compression in COMPRESSIONS {
        let (bytes, index) = sample(compression);
        let mut archive = Archive::from_seekable(Cursor::new(&bytes)).unwrap().unwrap();
        assert_eq!(archive.index(), &index);
        assert_eq!(
            rows_of(&mut archive, "small"),
            (0..10).map(|i| row(0, i)).collect::<String>()
        );
        assert_eq!(rows_of(&mut archive, "empty"), "");
        assert_eq!(
            rows_of(&mut archive, "big"),
            (0..12_001).map(|i| row(2, i)).collect::<String>()
        );
    }
}

#[test]
fn the_index_and_one_table_are_read_without_the_rest() {
    for compression in COMPRESSIONS {
        let (bytes, _) = sample(compression);
        let counting = Counting {
            inner: Cursor::new(&bytes),
            read: 0,
        };
        let mut counting = counting;
        let mut archive = Archive::from_seekable(&mut counting).unwrap().unwrap();
        let stored = archive.index().table("public", "small").unwrap().rows.stored();
        rows_of(&mut archive, "small");
        // The index itself, the few bytes at both ends, and the table's members.
        assert!(
            counting.read < stored + 4096,
            "{compression}: {} bytes read",
            counting.read
        );
        assert!(bytes.len() as u64 > 2 * (stored + 4096));
    }
}

/// A table of so many members that a segment has several of them: whoever reads it holds a member, not a segment.
#[test]
fn memory_for_reading_a_huge_table_does_not_grow_with_its_segments() {
    const MEMBERS: usize = 12_000;
    let header = Header {
        format: 1,
        ..Header::default()
    };
    for compression in [Compression::Gzip, Compression::GzipLevel(2), Compression::Zstd(1)] {
        let mut writer = Writer::new(Vec::new(), compression, header.clone(), vec![table("huge")]);
        let mut encoder = encoder(compression);
        let mut add = |pieces: &[(Option<usize>, String)]| {
            writer.member(&member(&mut *encoder, pieces)).unwrap();
        };
        let rows = |number: usize| {
            (number * 7..number * 7 + 7)
                .map(|i| row(0, i))
                .collect::<String>()
        };
        add(&[
            (None, "COPY public.huge (a, b) FROM stdin;\n".into()),
            (Some(0), rows(0)),
        ]);
        (1..MEMBERS).for_each(|number| add(&[(Some(0), rows(number))]));
        add(&[(Some(0), rows(MEMBERS)), (None, "\\.\n\nSELECT 1;\n".into())]);
        let want: String = (0..=MEMBERS).map(rows).collect();
        let largest = (0..=MEMBERS).map(|number| rows(number).len()).max().unwrap();
        let (bytes, summary) = writer.finish().unwrap();
        let huge = &summary.index.tables[0].rows;
        assert!(huge.segments.len() <= 4096 && huge.segments.len() < MEMBERS / 2);

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge");
        std::fs::write(&path, &bytes).unwrap();
        let mut found = String::new();
        each_piece(
            &OpenFile::open(&path).unwrap(),
            compression.format(),
            huge,
            |text, _| {
                assert!(text.len() <= largest, "{compression}: a piece of {}", text.len());
                found.push_str(std::str::from_utf8(&text).unwrap());
                true
            },
        )
        .unwrap();
        assert!(found == want, "{compression}");

        found.clear();
        let archive = Archive::open(&path).unwrap().unwrap();
        let wanted = Wanted::all(archive.index());
        let mut excerpt = Excerpt::new(archive, wanted, 3);
        while let Some(part) = excerpt.part().unwrap() {
            if let Part::Rows { text, .. } = part {
                assert!(text.len() <= largest, "{compression}: a piece of {}", text.len());
                found.push_str(std::str::from_utf8(&text).unwrap());
            }
        }
        assert!(found == want, "{compression}");
    }
}

/// Damage in the midst of a segment of several members is told as where it is, by whoever reads it.
#[test]
fn damage_inside_a_long_segment_is_located() {
    let (bytes, index) = sample(Compression::Gzip);
    let rows = &index.tables[2].rows;
    let joined = pgstow::archive::Rows {
        segments: vec![rows.segments.iter().sum()],
        ..rows.clone()
    };
    let second = rows.offset + rows.segments[0];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged");
    let mut damaged = bytes.clone();
    damaged[second as usize + 1000] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let file = OpenFile::open(&path).unwrap();
    for rows in [rows, &joined] {
        let e = each_piece(&file, Format::Gzip, rows, |_, _| true).unwrap_err();
        assert_eq!(e.kind(), Kind::Damaged);
        let place = format!("the gzip member that begins at byte {second}");
        assert!(e.to_string().contains(&place), "{e}");
    }
}

#[test]
fn a_whole_file_is_verified() {
    for compression in COMPRESSIONS {
        let (bytes, index) = sample(compression);
        let verified = verify_seekable(Cursor::new(&bytes), &Silent).unwrap();
        assert_eq!(verified.index, Some(index));
        assert_eq!(verified.text, text_of(compression, &bytes).len() as u64);
    }
}

#[test]
fn every_flipped_byte_is_seen() {
    for compression in COMPRESSIONS {
        let (bytes, _) = sample(compression);
        for at in (0..bytes.len())
            .step_by(397)
            .chain(bytes.len() - 700..bytes.len())
        {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            match verify_seekable(Cursor::new(&damaged), &Silent) {
                Err(e) => assert!(matches!(e.kind(), Kind::Damaged | Kind::Failed), "{at}: {e}"),
                Ok(verified) => {
                    // gzip headers have bytes that mean nothing (time, system), and without its end marker's name the
                    // file is taken for a recompressed one.
                    let text = text_of(compression, &damaged);
                    let same = text == text_of(compression, &bytes);
                    assert!(
                        same && verified.index.is_some(),
                        "{compression}: byte {at} unseen"
                    );
                }
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_damaged() {
    for compression in COMPRESSIONS {
        let (bytes, _) = sample(compression);
        for cut in (1..bytes.len())
            .step_by(811)
            .chain(bytes.len() - 300..bytes.len())
        {
            let result = verify_seekable(Cursor::new(&bytes[..cut]), &Silent);
            match result {
                Err(e) => assert_eq!(e.kind(), Kind::Damaged, "cut at {cut}: {e}"),
                // Without the marker alone the text is still whole, and proved by its own index.
                Ok(verified) => {
                    assert_eq!(verified.text as usize, text_of(compression, &bytes).len());
                    assert!(verified.index.is_some(), "cut at {cut}");
                }
            }
        }
        assert_eq!(
            verify_seekable(Cursor::new(&[]), &Silent).unwrap_err().kind(),
            Kind::Damaged
        );
    }
}

#[test]
fn bytes_after_the_end_are_damage() {
    for compression in COMPRESSIONS {
        let (mut bytes, _) = sample(compression);
        bytes.extend(b"left over");
        let e = verify_seekable(Cursor::new(&bytes), &Silent).unwrap_err();
        assert_eq!(e.kind(), Kind::Damaged, "{compression}: {e}");
    }
}

#[test]
fn a_missing_member_is_seen_by_whoever_reads_in_sequence() {
    let (bytes, index) = sample(Compression::GzipLevel(6));
    let big = &index.tables[2].rows;
    let cut =
        (big.offset + big.segments[0]) as usize..(big.offset + big.segments[0] + big.segments[1]) as usize;
    let mut damaged = bytes.clone();
    damaged.drain(cut);
    let mut reader = Reader::new(&damaged[..]).unwrap();
    let e = reader.ending().unwrap_err();
    assert_eq!(e.kind(), Kind::Damaged);
    assert!(e.message().contains("parts of the file are missing"), "{e}");
}

#[test]
fn a_recompressed_file_is_proved_by_its_text() {
    let (bytes, index) = sample(Compression::GzipLevel(6));
    let text = text_of(Compression::GzipLevel(6), &bytes);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let recompressed = gz.finish().unwrap();
    assert!(
        Archive::from_seekable(Cursor::new(&recompressed))
            .unwrap()
            .is_none()
    );
    let verified = verify_seekable(Cursor::new(&recompressed), &Silent).unwrap();
    assert_eq!(verified.index, Some(index));

    let changed = text.replacen("row 5\t", "row 6\t", 1);
    assert_ne!(changed, text);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(changed.as_bytes()).unwrap();
    let e = verify_seekable(Cursor::new(&gz.finish().unwrap()), &Silent).unwrap_err();
    assert_eq!(e.kind(), Kind::Damaged);
    assert!(e.message().contains("table public."), "{e}");
}

#[test]
fn files_of_pg_dump_are_read_and_recognised_as_complete() {
    let script = "--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n\n--\n-- PostgreSQL database dump complete\n--\n\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(script.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    for bytes in [
        script.as_bytes(),
        &gz,
        &zstd::encode_all(script.as_bytes(), 1).unwrap(),
    ] {
        let mut reader = Reader::new(bytes).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, script);
        assert_eq!(reader.ending().unwrap(), Ending::Complete);
        assert!(
            verify_seekable(Cursor::new(bytes), &Silent)
                .unwrap()
                .index
                .is_none()
        );
    }
    let mut reader = Reader::new(&script.as_bytes()[..60]).unwrap();
    assert_eq!(reader.ending().unwrap(), Ending::Unmarked);
}

#[test]
fn what_is_no_dump_is_named() {
    for (start, want) in [
        (&b"PGDMP\x01\x0e"[..], "custom format"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"PK\x03\x04", "zip"),
        (b"\x7fELF\x02\0\0", "neither gzip nor zstd nor text"),
        (b"", "empty"),
    ] {
        let e = Reader::new(start).err().unwrap();
        assert_eq!(e.kind(), Kind::Damaged);
        assert!(e.message().contains(want), "{e}");
    }
}
