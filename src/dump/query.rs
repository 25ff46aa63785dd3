//! What to ask the server for: the COPY statements of a dump. Pure text.

use std::borrow::Cow;
use std::ops::Range;

use crate::archive::Table;
use crate::plan::TableRows;
use crate::sql::{ident_list, literal, qualified};

/// Bytes of a large object's content in one statement of the dump.
const LARGE_OBJECT_CHUNK: u32 = 64 << 10;

/// The rows of a table of the plan, or those of a range of its pages.
pub(super) fn rows(rows: &TableRows, pages: &Option<Range<u32>>) -> String {
    copy(
        &rows.schema,
        &rows.name,
        &rows.columns,
        rows.filter.as_deref(),
        pages,
    )
}

/// The rows that the index says of a table, or those of them in a range of its pages; its end may be open: `u32::MAX`.
pub fn copy_statement(table: &Table, pages: &Option<Range<u32>>) -> String {
    copy(
        &table.schema,
        &table.name,
        &table.columns,
        table.filter.as_deref(),
        pages,
    )
}

/// Plain `COPY table` where it will do, for it is the cheapest; a query with ONLY otherwise, since COPY of a table does
/// not read its children either.
fn copy(
    schema: &str,
    name: &str,
    columns: &[String],
    filter: Option<&str>,
    pages: &Option<Range<u32>>,
) -> String {
    let table = qualified(schema, name);
    let columns = ident_list(columns.iter().map(String::as_str));
    let mut conditions = Vec::new();
    if let Some(pages) = pages {
        if pages.start > 0 {
            conditions.push(format!("ctid >= '({},0)'::pg_catalog.tid", pages.start));
        }
        if pages.end < u32::MAX {
            conditions.push(format!("ctid < '({},0)'::pg_catalog.tid", pages.end));
        }
    }
    if let Some(filter) = filter {
        conditions.push(format!("({filter})"));
    }
    match (conditions.is_empty(), columns.is_empty()) {
        (true, true) => format!("COPY {table} TO STDOUT"),
        (true, false) => format!("COPY {table} ({columns}) TO STDOUT"),
        (false, _) => format!(
            "COPY (SELECT {columns} FROM ONLY {table} WHERE {}) TO STDOUT",
            conditions.join(" AND ")
        ),
    }
}

/// A `COPY ... TO STDOUT` that gives its rows in an encoding. The session's own is that of names in statements.
pub(super) fn encoded<'q>(copy: &'q str, encoding: Option<&str>) -> Cow<'q, str> {
    match encoding {
        Some(encoding) => format!("{copy} (ENCODING {})", literal(encoding)).into(),
        None => copy.into(),
    }
}

/// The statements that write the contents of large objects, one a line, made by the server itself.
///
/// `lo_put` needs no descriptor and so no transaction block of its own, which pg_dump's `lo_open` does; inside `psql
/// --single-transaction` such a block ends the user's transaction. `decode` keeps backslashes out, which COPY would
/// double.
pub(super) fn large_objects(oids: &[u32]) -> String {
    let oids: Vec<_> = oids.iter().map(u32::to_string).collect();
    format!(
        "COPY (
WITH opened AS MATERIALIZED (
    SELECT o, pg_catalog.lo_open(o, 262144) AS fd FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o),
sized AS MATERIALIZED (
    SELECT o, pg_catalog.lo_lseek64(fd, 0, 2) AS size, pg_catalog.lo_close(fd) AS closed FROM opened)
SELECT 'SELECT pg_catalog.lo_put(' || o || ', ' || at || ', pg_catalog.decode('''
    || pg_catalog.encode(pg_catalog.lo_get(o, at, {LARGE_OBJECT_CHUNK}), 'hex') || ''', ''hex''));'
FROM sized, LATERAL pg_catalog.generate_series(0, size - 1, {LARGE_OBJECT_CHUNK}) AS at
WHERE closed = 0) TO STDOUT",
        oids.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_table_is_copied_plainly_and_a_part_by_query() {
        let mut table = TableRows {
            oid: 1,
            schema: "public".into(),
            name: "Order".into(),
            columns: vec!["id".into(), "user".into()],
            begin: String::new(),
            end: String::new(),
            through: None,
            inserts: None,
            filter: None,
            heap_pages: None,
            bytes: 0,
        };
        assert_eq!(
            rows(&table, &None),
            "COPY public.\"Order\" (id, \"user\") TO STDOUT"
        );
        assert_eq!(
            rows(&table, &Some(0..5)),
            "COPY (SELECT id, \"user\" FROM ONLY public.\"Order\" WHERE ctid < '(5,0)'::pg_catalog.tid) TO STDOUT"
        );
        table.filter = Some("NOT standard".into());
        assert_eq!(
            rows(&table, &Some(5..u32::MAX)),
            "COPY (SELECT id, \"user\" FROM ONLY public.\"Order\" WHERE ctid >= '(5,0)'::pg_catalog.tid \
             AND (NOT standard)) TO STDOUT"
        );
        table.columns.clear();
        table.filter = None;
        assert_eq!(rows(&table, &None), "COPY public.\"Order\" TO STDOUT");
    }
}
