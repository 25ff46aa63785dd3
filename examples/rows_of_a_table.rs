//! The rows of one table out of an archive, without a server. Only that table's part of the file is read.
//!
//!     cargo run --example rows_of_a_table -- app.sql.gz public.users

use std::io::Write;
use std::path::Path;

use pgstow::{Archive, Error};

fn main() -> pgstow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(table)) = (arguments.next(), arguments.next()) else {
        return Err(Error::usage("expected a file and a table"));
    };
    let (schema, name) = table.split_once('.').unwrap_or(("public", &table));

    let mut archive = Archive::open(Path::new(&file))?.ok_or_else(|| {
        Error::damaged(format!(
            "{file} has no index: pgstow did not write it, or it is truncated"
        ))
    })?;
    let Some(found) = archive.index().table(schema, name).cloned() else {
        let names: Vec<String> = archive
            .index()
            .tables
            .iter()
            .map(|t| format!("{}.{}", t.schema, t.name))
            .collect();
        return Err(Error::failed(format!("{table} is none of {}", names.join(", "))));
    };

    println!("{}", found.columns.join("\t"));
    let mut out = std::io::stdout().lock();
    let failed = |e| Error::io("cannot write to standard output", e);
    let mut rows = archive.rows(&found.rows)?;
    // COPY's text form: columns parted by tabs, \N for NULL, a line a row.
    loop {
        let piece = rows.chunk()?;
        if piece.is_empty() {
            break;
        }
        out.write_all(piece).map_err(failed)?;
    }
    eprintln!(
        "{} rows, digest {}",
        found.rows.counted.rows, found.rows.counted.digest
    );
    Ok(())
}
