//! Rows of COPY text as INSERT statements. Values are never decoded: what the server wrote as a value's text becomes a
//! literal of the same text.

use std::borrow::Cow;

use crate::catalog::names::ValueForm;
use crate::catalog::rows::InsertForm;
use crate::{Error, Result, escape};

/// Makes statements of the rows of one COPY.
pub(super) struct Inserter<'a> {
    form: &'a InsertForm,
    /// What statements begin with, in the script's encoding.
    prefix: Cow<'a, [u8]>,
    /// The beginning of a row whose end has not come yet.
    partial: Vec<u8>,
    /// The last row's values; whether it ends its statement is not known yet.
    pending: Vec<u8>,
    /// Rows in the statement that is open.
    rows: u32,
    out: Vec<u8>,
}

impl<'a> Inserter<'a> {
    pub(super) fn new(form: &'a InsertForm) -> Self {
        Inserter {
            form,
            prefix: escape::to_bytes(&form.prefix),
            partial: Vec::new(),
            pending: Vec::new(),
            rows: 0,
            out: Vec::new(),
        }
    }

    /// Takes a piece of COPY text, cut anywhere; gives whole lines of SQL.
    pub(super) fn rows(&mut self, mut piece: &[u8]) -> Result<&[u8]> {
        self.out.clear();
        // A line end inside a value comes escaped.
        while let Some(end) = memchr::memchr(b'\n', piece) {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.partial.is_empty() {
                self.row(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.row(&whole)?;
            }
            piece = rest;
        }
        self.partial.extend_from_slice(piece);
        Ok(&self.out)
    }

    /// The end of the statement that is open.
    pub(super) fn finish(&mut self) -> Result<&[u8]> {
        self.out.clear();
        if !self.partial.is_empty() {
            return Err(Error::failed("the server's last row has no end"));
        }
        self.close();
        Ok(&self.out)
    }

    fn close(&mut self) {
        if self.rows > 0 {
            self.out.append(&mut self.pending);
            self.out.extend_from_slice(self.form.suffix.as_bytes());
            self.rows = 0;
        }
    }

    fn row(&mut self, line: &[u8]) -> Result<()> {
        let form = self.form;
        if form.forms == [ValueForm::Statement] {
            unescaped(line, &mut self.pending);
            self.rows = 1;
            self.close();
            return Ok(());
        }
        if form.forms.is_empty() {
            self.pending.extend_from_slice(&self.prefix);
            self.rows = 1;
            self.close();
            return Ok(());
        }
        if self.rows == form.rows {
            self.close();
        }
        // Only whole lines go out.
        if self.rows == 0 {
            let opening: &[u8] = if form.rows > 1 { b"\n\t(" } else { b" (" };
            self.pending.extend_from_slice(&self.prefix);
            self.pending.extend_from_slice(opening);
        } else {
            self.out.append(&mut self.pending);
            self.out.extend_from_slice(b",\n");
            self.pending.extend_from_slice(b"\t(");
        }
        let wanted = form
            .forms
            .iter()
            .filter(|form| **form != ValueForm::Default)
            .count();
        let mut fields = line.split(|&b| b == b'\t');
        let mut found = 0;
        for (number, form) in form.forms.iter().enumerate() {
            if number > 0 {
                self.pending.extend_from_slice(b", ");
            }
            if *form == ValueForm::Default {
                self.pending.extend_from_slice(b"DEFAULT");
                continue;
            }
            if let Some(field) = fields.next() {
                value(*form, field, &mut self.pending);
                found += 1;
            }
        }
        found += fields.count();
        // Generated columns alone leave rows without a field, which splitting sees as one empty field.
        if found != wanted && !(wanted == 0 && line.is_empty()) {
            return Err(Error::failed(format!(
                "a row has {found} values where {wanted} columns were expected"
            )));
        }
        self.pending.push(b')');
        self.rows += 1;
        Ok(())
    }
}

/// Appends one field of COPY text as SQL.
fn value(form: ValueForm, field: &[u8], out: &mut Vec<u8>) {
    match (form, field) {
        (_, b"\\N") => out.extend_from_slice(b"NULL"),
        (ValueForm::Boolean, b"t") => out.extend_from_slice(b"true"),
        (ValueForm::Boolean, b"f") => out.extend_from_slice(b"false"),
        // Not so NaN and Infinity.
        (ValueForm::Number, text) if text.iter().all(|b| b"0123456789 +-eE.".contains(b)) => {
            out.extend_from_slice(text);
        }
        (ValueForm::Bits, text) => {
            out.push(b'B');
            quoted(text, out);
        }
        (_, text) => quoted(text, out),
    }
}

/// A string literal, as a script that sets `standard_conforming_strings` on has it, of a field's unescaped text.
fn quoted(field: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    let start = out.len();
    unescaped(field, out);
    if memchr::memchr(b'\'', &out[start..]).is_some() {
        let text = out.split_off(start);
        for b in text {
            if b == b'\'' {
                out.push(b);
            }
            out.push(b);
        }
    }
    out.push(b'\'');
}

/// A field of COPY text as it is.
fn unescaped(field: &[u8], out: &mut Vec<u8>) {
    let mut bytes = field.iter();
    while let Some(&b) = bytes.next() {
        let b = match b {
            b'\\' => match bytes.next() {
                Some(b'b') => 8,
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'v') => 11,
                Some(b'f') => 12,
                Some(b'r') => b'\r',
                Some(&other) => other,
                None => b'\\',
            },
            b => b,
        };
        out.push(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rows: u32, forms: Vec<ValueForm>) -> InsertForm {
        InsertForm {
            prefix: match forms.is_empty() {
                true => "INSERT INTO t DEFAULT VALUES".into(),
                false => "INSERT INTO t VALUES".into(),
            },
            forms,
            suffix: ";\n".into(),
            rows,
        }
    }

    /// The statements of these rows, coming in pieces of this size.
    fn statements(form: &InsertForm, rows: &[u8], piece: usize) -> String {
        let mut inserter = Inserter::new(form);
        let mut all = Vec::new();
        for piece in rows.chunks(piece) {
            let lines = inserter.rows(piece).unwrap();
            assert!(lines.is_empty() || lines.ends_with(b"\n"));
            all.extend_from_slice(lines);
        }
        all.extend_from_slice(inserter.finish().unwrap());
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn values_stay_what_they_are() {
        use ValueForm::{Bits, Boolean, Default, Number, Quoted};
        let form = form(1, vec![Number, Quoted, Default, Boolean, Bits]);
        let rows = b"-1.5e3\tit's\\n\\t\\\\x\tt\t101\nNaN\t\\N\tf\t\\N\n";
        let want = "INSERT INTO t VALUES (-1.5e3, 'it''s\n\t\\x', DEFAULT, true, B'101');\n\
                    INSERT INTO t VALUES ('NaN', NULL, DEFAULT, false, NULL);\n";
        for piece in [1, 2, 7, 1000] {
            assert_eq!(statements(&form, rows, piece), want);
        }
    }

    #[test]
    fn rows_share_a_statement_up_to_a_number() {
        let form = form(2, vec![ValueForm::Number]);
        let want = "INSERT INTO t VALUES\n\t(1),\n\t(2);\nINSERT INTO t VALUES\n\t(3);\n";
        for piece in [1, 3, 1000] {
            assert_eq!(statements(&form, b"1\n2\n3\n", piece), want);
        }
        assert_eq!(statements(&form, b"", 1), "");
    }

    #[test]
    fn a_row_without_columns_is_a_row() {
        assert_eq!(
            statements(&form(5, vec![]), b"\n\n", 1),
            "INSERT INTO t DEFAULT VALUES;\nINSERT INTO t DEFAULT VALUES;\n"
        );
        assert_eq!(
            statements(&form(1, vec![ValueForm::Default]), b"\n", 1),
            "INSERT INTO t VALUES (DEFAULT);\n"
        );
    }

    #[test]
    fn a_row_with_too_few_or_many_values_is_told() {
        for rows in [&b"1\n"[..], b"1\t2\t3\n"] {
            let form = form(1, vec![ValueForm::Number, ValueForm::Number]);
            assert!(Inserter::new(&form).rows(rows).is_err());
        }
    }
}
