//! Rows of COPY text made into rows of binary COPY, which a server reads with a fraction of the work.
//!
//! Pure. Only what a server writes itself, under the settings of a dump, is converted: ISO dates in UTC, bytes in
//! hexadecimal, numbers in their one shortest form. Anything else is [`Unfit`], never guessed at: the server is to read
//! it, and to say what is wrong with it.
//!
//! Not promised: that the server takes the rows. Text is passed on as its bytes; whether they are text, or JSON, or too
//! long, the server finds as it does for COPY text.
//!
//! The form of the rows is that of [COPY](https://www.postgresql.org/docs/current/sql-copy.html), "Binary Format"; the
//! form of the values is that of the types' receive functions in PostgreSQL's source.

mod bytes;
mod number;
mod numeric;
mod time;

use tokio_postgres::types::{Oid, Type};

/// What a binary COPY begins with: signature, flags, length of the extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What it ends with, in place of a row's number of fields.
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();

/// The length of a field that is null.
const NULL: [u8; 4] = (-1i32).to_be_bytes();

/// The version of the form in which jsonb is sent: its text.
const JSONB_VERSION: &[u8] = &[1];

/// The rows are not quite as a server writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// The row, counted from 1; or one shortly after it.
    pub row: u64,
}

/// How a column's values are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Jsonb,
    Bytea,
    Uuid,
    Date,
    Timestamp,
    Timestamptz,
}

impl Kind {
    fn of(oid: Oid) -> Option<Kind> {
        Some(match Type::from_oid(oid)? {
            Type::BOOL => Kind::Bool,
            Type::INT2 => Kind::Int2,
            Type::INT4 => Kind::Int4,
            Type::INT8 => Kind::Int8,
            Type::FLOAT4 => Kind::Float4,
            Type::FLOAT8 => Kind::Float8,
            Type::NUMERIC => Kind::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::JSON => Kind::Text,
            Type::JSONB => Kind::Jsonb,
            Type::BYTEA => Kind::Bytea,
            Type::UUID => Kind::Uuid,
            Type::DATE => Kind::Date,
            Type::TIMESTAMP => Kind::Timestamp,
            Type::TIMESTAMPTZ => Kind::Timestamptz,
            _ => return None,
        })
    }

    /// Whether the server reads its binary form with notably less work than its text. A table of flags and whole numbers
    /// alone costs as much either way, the conversion counted.
    fn pays(self) -> bool {
        !matches!(self, Kind::Bool | Kind::Int2 | Kind::Int4 | Kind::Int8)
    }

    /// Takes a value from the head of the text and appends it as a field.
    fn put(self, text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Kind::Bool => number::bool(text, out),
            Kind::Int2 => number::int2(text, out),
            Kind::Int4 => number::int4(text, out),
            Kind::Int8 => number::int8(text, out),
            Kind::Float4 => number::float4(text, out),
            Kind::Float8 => number::float8(text, out),
            Kind::Numeric => numeric::numeric(text, out),
            Kind::Text => bytes::text(text, &[], out),
            Kind::Jsonb => bytes::text(text, JSONB_VERSION, out),
            Kind::Bytea => bytes::bytea(text, out),
            Kind::Uuid => bytes::uuid(text, out),
            Kind::Date => time::date(text, out),
            Kind::Timestamp => time::timestamp(text, false, out),
            Kind::Timestamptz => time::timestamp(text, true, out),
        }
    }
}

/// Converts the rows of one table.
#[derive(Debug, Clone)]
pub struct Converter {
    columns: Box<[Kind]>,
    /// What each row begins with.
    fields: [u8; 2],
    /// The beginning of a row whose end is still to come.
    begun: Vec<u8>,
    /// Rows converted.
    rows: u64,
}

impl Converter {
    /// For columns of these types. `None` if there is one whose values cannot be converted, or none that is worth it.
    pub fn new(types: &[Oid]) -> Option<Converter> {
        let columns: Box<[Kind]> = types.iter().map(|&oid| Kind::of(oid)).collect::<Option<_>>()?;
        columns.iter().any(|kind| kind.pays()).then_some(())?;
        Some(Converter {
            fields: i16::try_from(columns.len()).ok()?.to_be_bytes(),
            columns,
            begun: Vec::new(),
            rows: 0,
        })
    }

    /// Appends what comes before the first row.
    pub fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER);
    }

    /// Converts rows that are whole with the next piece of text, which may end anywhere, and appends them. After an error
    /// what was appended is of no use.
    pub fn rows(&mut self, mut text: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        // The server takes it for the end of a row.
        if memchr::memchr(b'\r', text).is_some() {
            return Err(self.unfit());
        }
        if !self.begun.is_empty() {
            let Some(end) = memchr::memchr(b'\n', text) else {
                self.begun.extend_from_slice(text);
                return Ok(());
            };
            let (end, rest) = text.split_at(end + 1);
            let mut row = std::mem::take(&mut self.begun);
            row.extend_from_slice(end);
            self.whole(&row, out)?;
            row.clear();
            self.begun = row;
            text = rest;
        }
        let end = memchr::memrchr(b'\n', text).map_or(0, |last| last + 1);
        let (whole, begun) = text.split_at(end);
        self.begun.extend_from_slice(begun);
        self.whole(whole, out)
    }

    /// Appends what comes after the last row.
    pub fn end(&self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        match self.begun.is_empty() {
            true => out.extend_from_slice(&TRAILER),
            false => return Err(self.unfit()),
        }
        Ok(())
    }

    /// Converts lines, all of which have an end.
    fn whole(&mut self, mut text: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        while !text.is_empty() {
            text = self.row(text, out).ok_or_else(|| self.unfit())?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Converts the line at the head of the text. Gives the text after it.
    #[inline]
    fn row<'a>(&self, mut text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
        out.extend_from_slice(&self.fields);
        let mut columns = self.columns.iter();
        field(*columns.next()?, &mut text, out)?;
        for &kind in columns {
            text = text.strip_prefix(b"\t")?;
            field(kind, &mut text, out)?;
        }
        text.strip_prefix(b"\n")
    }

    fn unfit(&self) -> Unfit {
        Unfit { row: self.rows + 1 }
    }
}

#[inline]
fn field(kind: Kind, text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    match text.strip_prefix(b"\\N") {
        Some(rest) => {
            out.extend_from_slice(&NULL);
            *text = rest;
            Some(())
        }
        None => kind.put(text, out),
    }
}

/// Appends a field of `N` bytes.
#[inline]
fn put<const N: usize>(value: [u8; N], out: &mut Vec<u8>) {
    out.extend_from_slice(&(N as u32).to_be_bytes());
    out.extend_from_slice(&value);
}

/// Makes room for the length of a field which is not known yet.
fn open(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&NULL);
    out.len()
}

/// Sets the length of the field that begins there.
fn close(start: usize, out: &mut [u8]) -> Option<()> {
    let length = i32::try_from(out.len() - start).ok()?;
    out.get_mut(start - NULL.len()..start)?
        .copy_from_slice(&length.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of the rows of COPY text in columns of these types, converted in pieces of this size.
    fn in_pieces(types: &[Type], text: &[u8], size: usize) -> Option<Vec<u8>> {
        let types: Vec<Oid> = types.iter().map(Type::oid).collect();
        let mut converter = Converter::new(&types)?;
        let mut out = Vec::new();
        converter.begin(&mut out);
        for piece in text.chunks(size) {
            converter.rows(piece, &mut out).ok()?;
        }
        converter.end(&mut out).ok()?;
        Some(out)
    }

    /// A row's fields as the server wants them; `None`: null.
    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut row = (fields.len() as i16).to_be_bytes().to_vec();
        for field in fields {
            match field {
                Some(bytes) => {
                    row.extend((bytes.len() as i32).to_be_bytes());
                    row.extend(*bytes);
                }
                None => row.extend(NULL),
            }
        }
        row
    }

    fn copy(rows: &[Vec<u8>]) -> Vec<u8> {
        let mut copy = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        copy.extend(rows.concat());
        copy.extend([0xff, 0xff]);
        copy
    }

    #[test]
    fn rows_that_end_anywhere_come_out_whole() {
        let types = [Type::INT4, Type::TEXT, Type::BYTEA, Type::JSONB, Type::FLOAT8];
        let text = "7\tgr\u{f6}\u{df}e\\t\\\\N\t\\\\x00ff\t{\"a\": \"\\\\n\"}\t1.5\n\\N\t\\N\t\\N\t\\N\t\\N\n-1\t\t\\\\x\t1\t-0\n";
        let want = copy(&[
            row(&[
                Some(&7i32.to_be_bytes()),
                Some("größe\t\\N".as_bytes()),
                Some(&[0, 255]),
                Some(b"\x01{\"a\": \"\\n\"}"),
                Some(&1.5f64.to_be_bytes()),
            ]),
            row(&[None; 5]),
            row(&[
                Some(&(-1i32).to_be_bytes()),
                Some(b""),
                Some(b""),
                Some(b"\x011"),
                Some(&(-0.0f64).to_be_bytes()),
            ]),
        ]);
        for size in 1..=text.len() {
            assert_eq!(
                in_pieces(&types, text.as_bytes(), size).as_ref(),
                Some(&want),
                "{size}"
            );
        }
        assert_eq!(in_pieces(&types, b"", 1), Some(copy(&[])));
    }

    #[test]
    fn rows_that_no_server_writes_are_unfit_wherever_a_piece_ends() {
        let types = [Type::INT4, Type::TEXT];
        for text in [
            "1\n",
            "1\ta\tb\n",
            "1\ta",
            "\n",
            "1\t\\.\n",
            "\\.\n",
            "1\t\\Nx\n",
            "\\N1\tx\n",
            "\\\t1\n",
            "1\ta\\",
            "1\ta\\\n\n",
            "1\t\\x41\n",
            "1\t\\101\n",
            "1\ta\r\n",
            "1\ta\n1\n",
            " 1\ta\n",
            "1 \ta\n",
            "+1\ta\n",
            "2147483648\ta\n",
            "\ta\n",
        ] {
            for size in 1..=text.len() {
                assert_eq!(in_pieces(&types, text.as_bytes(), size), None, "{text:?} {size}");
            }
        }
        let mut converter = Converter::new(&[Type::TEXT.oid()]).unwrap();
        let mut out = Vec::new();
        assert_eq!(converter.rows(b"a\nb\n\\q\nd\n", &mut out), Err(Unfit { row: 3 }));
    }

    #[test]
    fn tables_with_other_columns_or_with_nothing_to_gain_stay_text() {
        let of = |types: &[Type]| Converter::new(&types.iter().map(Type::oid).collect::<Vec<_>>()).is_some();
        assert!(of(&[Type::INT4, Type::TEXT]));
        assert!(!of(&[Type::INT4, Type::TEXT, Type::INTERVAL]));
        assert!(!of(&[Type::TEXT_ARRAY]));
        assert!(!of(&[Type::INT8, Type::BOOL]));
        assert!(!of(&[]));
        // A domain, an enumeration.
        assert!(Converter::new(&[Type::TEXT.oid(), 16_384]).is_none());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_pieces_make_no_difference(
            text in r"([0-9a-z:. +-]{0,3}|\t|\n|\\\\|\\N|\\n|\r|1|2024-01-01|12:00:00|NaN|-?infinity|\x00|é){0,30}",
            types in prop::collection::vec(0usize..14, 1..4),
            size in 1usize..9,
        ) {
            const TYPES: [Type; 14] = [
                Type::BOOL, Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC, Type::TEXT,
                Type::JSONB, Type::BYTEA, Type::UUID, Type::DATE, Type::TIMESTAMP, Type::TIMESTAMPTZ,
            ];
            let types: Vec<_> = types.into_iter().map(|at| TYPES[at].clone()).chain([Type::TEXT]).collect();
            for text in [text.clone(), text + "\n"] {
                prop_assert_eq!(in_pieces(&types, text.as_bytes(), size), in_pieces(&types, text.as_bytes(), 1000));
            }
        }
    }
}
