//! Rows after `COPY ... FROM stdin`: everything up to the line `\.`.

use memchr::memmem;

/// What the beginning of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// So many bytes of rows.
    Rows(usize),
    /// The end marker, so many bytes with its line end.
    End(usize),
    /// More text is needed to know.
    More,
}

/// Looks for the end marker, which stands alone on a line (`\.` and LF or CR LF, as psql wants it). `line_start`
/// tells whether the text begins a line, and is brought up to date for the text after the rows cut off.
pub(super) fn cut(text: &[u8], line_start: &mut bool, last: bool) -> Cut {
    if text.is_empty() {
        return Cut::More;
    }
    if *line_start {
        match text {
            [b'\\', b'.', b'\n', ..] => return Cut::End(3),
            [b'\\', b'.', b'\r', b'\n', ..] => return Cut::End(4),
            [b'\\', b'.'] if last => return Cut::End(2),
            [b'\\'] | [b'\\', b'.'] | [b'\\', b'.', b'\r'] if !last => return Cut::More,
            _ => {}
        }
    }
    if let Some(n) = memmem::find(text, b"\n\\.") {
        *line_start = true;
        return Cut::Rows(n + 1);
    }
    // A backslash that begins a line at the very end may be half of the marker.
    if text.ends_with(b"\n\\") && !last {
        *line_start = true;
        return Cut::Rows(text.len() - 1);
    }
    *line_start = text.ends_with(b"\n");
    Cut::Rows(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_at(text: &[u8]) -> Option<usize> {
        let (mut at, mut line_start) = (0, true);
        loop {
            match cut(&text[at..], &mut line_start, true) {
                Cut::Rows(n) => at += n,
                Cut::End(_) => return Some(at),
                Cut::More => return None,
            }
        }
    }

    #[test]
    fn only_a_line_of_backslash_and_dot_ends_the_rows() {
        for (text, want) in [
            (&b"\\.\n"[..], Some(0)),
            (b"\\.\r\n", Some(0)),
            (b"1\tx\n\\.\nselect", Some(4)),
            (b"a\\.\n\\.\n", Some(4)),
            (b"\\.x\n\\.\n", Some(4)),
            (b" \\.\n\\.\n", Some(4)),
            (b"\\.\\.\n\\.", Some(5)),
            (b"\\N\n\\\\.\n\\.\n", Some(7)),
            (b"1\n2\n", None),
            (b"", None),
        ] {
            assert_eq!(ends_at(text), want, "{}", text.escape_ascii());
        }
    }
}
