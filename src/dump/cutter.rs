//! Cuts text into members: collects it to a good size, hashes its rows, compresses it.

use crate::archive::{
    Compression, Digest, Encoder, LineDigest, Member, Owner, Span, checked_encoder, encoder,
};

/// A member's text is never longer, even if it has to end inside a row: so memory does not depend on the length of rows.
const LONGEST_TEXT: usize = 4 << 20;

/// One worker's text on its way to members. Every method that takes text gives back the members that became full.
pub struct Cutter {
    encoder: Box<dyn Encoder>,
    target: usize,
    text: Vec<u8>,
    spans: Vec<Span>,
    sql: Digest,
    open: Option<Open>,
    digests_only: bool,
}

/// Rows that are coming in.
struct Open {
    owner: Owner,
    /// Where in the text they begin, or go on after a cut.
    start: usize,
    digest: LineDigest,
    /// Whether no span says yet where they are.
    placeless: bool,
    /// Bytes that were digested and not kept.
    passed: u64,
}

impl Cutter {
    /// A cutter whose members are compressed like this; whether each is decoded and compared before it is handed on.
    pub fn new(compression: Compression, check_members: bool) -> Self {
        let target = compression.member_size();
        Cutter {
            encoder: match check_members {
                true => checked_encoder(compression),
                false => encoder(compression),
            },
            target,
            text: Vec::with_capacity(target + (64 << 10)),
            spans: Vec::new(),
            sql: Digest::default(),
            open: None,
            digests_only: false,
        }
    }

    /// The same without the rows of tables: members have the digests of what they would have held.
    pub fn digests_only(self) -> Self {
        Cutter {
            digests_only: true,
            ..self
        }
    }

    /// Takes whole lines of SQL.
    pub fn sql(&mut self, text: &[u8]) -> Option<Member> {
        debug_assert!(self.open.is_none() && (text.is_empty() || text.ends_with(b"\n")));
        let mut lines = LineDigest::default();
        lines.update(text);
        self.sql.merge(&lines.take());
        self.text.extend_from_slice(text);
        (self.text.len() >= self.target).then(|| self.member(self.text.len()))
    }

    /// Begins rows.
    pub fn begin_rows(&mut self, owner: Owner) {
        self.open = Some(Open {
            owner,
            start: self.text.len(),
            digest: LineDigest::default(),
            placeless: true,
            passed: 0,
        });
    }

    /// Takes a piece of rows, cut anywhere, and hands each full member on.
    pub fn rows<E>(
        &mut self,
        mut piece: &[u8],
        mut emit: impl FnMut(Member) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.digests_only
            && let Some(open) = &mut self.open
            && matches!(open.owner, Owner::Table(_))
        {
            open.digest.update(piece);
            open.passed += piece.len() as u64;
            return Ok(());
        }
        while !piece.is_empty() {
            // A huge row must not be copied as a whole.
            let (now, later) = piece.split_at(piece.len().min(self.target));
            self.text.extend_from_slice(now);
            piece = later;
            while let Some(end) = self.row_end() {
                emit(self.member(end))?;
            }
        }
        Ok(())
    }

    /// Where to cut: at the first end of a row that makes the member full. It must not depend on how the text came in
    /// pieces, or the same rows would not give the same file.
    fn row_end(&self) -> Option<usize> {
        let from = self.target - 1;
        match memchr::memchr(b'\n', self.text.get(from..)?) {
            Some(at) if from + at < LONGEST_TEXT => Some(from + at + 1),
            _ => (self.text.len() >= LONGEST_TEXT).then_some(LONGEST_TEXT),
        }
    }

    /// Ends the rows; `false` if the last one has no end.
    pub fn end_rows(&mut self) -> bool {
        self.close_span(self.text.len());
        let open = self.open.take();
        open.is_none_or(|open| open.digest.finish().1 == 0)
    }

    /// What is left at the end of a unit.
    pub fn finish(&mut self) -> Option<Member> {
        let digests = self.digests_only && !self.spans.is_empty();
        (digests || !self.text.is_empty()).then(|| self.member(self.text.len()))
    }

    /// Settles the place and digest of the open rows up to `end`.
    fn close_span(&mut self, end: usize) {
        let Some(open) = &mut self.open else { return };
        if end > open.start || open.placeless || open.passed > 0 {
            open.digest.update(&self.text[open.start..end]);
            let mut digest = open.digest.take();
            digest.bytes = (end - open.start) as u64 + std::mem::take(&mut open.passed);
            self.spans.push(Span {
                owner: open.owner,
                start: open.start as u64,
                digest,
            });
            open.placeless = false;
        }
        open.start = end;
    }

    /// Makes a member of the text up to `end`; the rest begins the next one.
    fn member(&mut self, end: usize) -> Member {
        self.close_span(end);
        let member = Member {
            bytes: self.encoder.encode(&self.text[..end]).to_vec(),
            text: end as u64,
            spans: std::mem::take(&mut self.spans),
            sql: std::mem::take(&mut self.sql),
        };
        self.text.drain(..end);
        if let Some(open) = &mut self.open {
            open.start = 0;
        }
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members of these rows, coming in pieces of this size.
    fn cut(rows: &[u8], piece: usize) -> Vec<Member> {
        let mut cutter = Cutter::new(Compression::None, false);
        let mut members = Vec::new();
        members.extend(cutter.sql(b"COPY t FROM stdin;\n"));
        cutter.begin_rows(Owner::Table(0));
        for piece in rows.chunks(piece) {
            let emit = |member| {
                members.push(member);
                Ok::<(), ()>(())
            };
            cutter.rows(piece, emit).unwrap();
        }
        assert!(cutter.end_rows());
        members.extend(cutter.sql(b"\\.\n"));
        members.extend(cutter.finish());
        members
    }

    fn check(rows: &[u8]) {
        let mut want = LineDigest::default();
        want.update(rows);
        let want = want.finish().0;
        let whole = cut(rows, rows.len().max(1));
        for piece in [100_001, 1 << 20, 5 << 20] {
            let members = cut(rows, piece);
            let bounds = |members: &[Member]| members.iter().map(|m| m.text).collect::<Vec<_>>();
            assert_eq!(bounds(&members), bounds(&whole), "pieces of {piece}");
            let text: Vec<u8> = members.iter().flat_map(|m| m.bytes.clone()).collect();
            assert_eq!(text, [b"COPY t FROM stdin;\n", rows, b"\\.\n"].concat());
            let mut digest = Digest::default();
            members
                .iter()
                .flat_map(|m| &m.spans)
                .for_each(|s| digest.merge(&s.digest));
            assert_eq!(digest, want);
            assert!(members.iter().all(|m| m.text as usize <= LONGEST_TEXT));
        }
    }

    #[test]
    fn members_end_at_rows_wherever_the_pieces_ended() {
        let rows: String = (0..100_000).map(|i| format!("{i}\tsome text\n")).collect();
        check(rows.as_bytes());
        for member in &cut(rows.as_bytes(), 8192) {
            assert_eq!(member.bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn a_huge_row_is_divided_and_hashed_as_one() {
        let mut rows = b"1\tsmall\n2\t".to_vec();
        rows.resize(9 << 20, b'x');
        rows.extend(b"\n3\tsmall\n");
        check(&rows);
    }

    #[test]
    fn a_table_without_rows_has_its_place_all_the_same() {
        let members = cut(b"", 1);
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].spans.len(), 1);
        assert_eq!(
            (members[0].spans[0].start, members[0].spans[0].digest),
            (19, Digest::default())
        );
    }

    #[test]
    fn digests_without_rows_are_those_of_the_rows() {
        let rows: String = (0..300_000).map(|i| format!("{i}\tx\n")).collect();
        let of = |members: &[Member]| {
            let mut sum = Digest::default();
            let spans = members.iter().flat_map(|member| &member.spans);
            spans.for_each(|span| sum.merge(&span.digest));
            sum
        };
        for size in [1000, 1 << 20] {
            let mut cutter = Cutter::new(Compression::None, false).digests_only();
            let mut members = Vec::from_iter(cutter.sql(b"COPY t FROM stdin;\n"));
            cutter.begin_rows(Owner::Table(0));
            for piece in rows.as_bytes().chunks(size) {
                cutter
                    .rows(piece, |_| -> Result<(), ()> { panic!("rows are not written") })
                    .unwrap();
            }
            assert!(cutter.end_rows());
            members.extend(cutter.finish());
            // A part of a table by itself, as the ranges of pages are.
            cutter.begin_rows(Owner::Table(0));
            cutter.rows(b"1\t2\n", |_| Err(())).unwrap();
            assert!(cutter.end_rows());
            members.extend(cutter.finish());
            let text: Vec<u8> = members.iter().flat_map(|member| member.bytes.clone()).collect();
            assert_eq!(text, b"COPY t FROM stdin;\n");
            assert_eq!(
                of(&members),
                of(&self::cut(format!("{rows}1\t2\n").as_bytes(), 1000))
            );
        }
    }
}
