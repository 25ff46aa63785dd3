//! A script in another encoding than UTF-8 (`--encoding`): the server converts, text and rows alike.

use crate::connect::{Session, Snapshot};
use crate::plan::{self, Plan, Step};
use crate::{Error, Result, escape};

/// Encodings in which a byte of a letter may look like a backslash or a quote. COPY takes care of that, statements made
/// of COPY text would not.
const EMBED_ASCII: &[&str] = &["BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC"];

/// The server's name of the encoding that is asked for; `None` for that in which everything is read anyway: UTF8, or
/// the bytes as they are of a database without an encoding.
///
/// # Errors
/// An encoding that the server does not know, or in which rows cannot be INSERT statements.
pub(super) async fn name(
    session: &Session,
    snapshot: &Snapshot,
    options: &plan::Options,
) -> Result<Option<String>> {
    let Some(asked) = &options.encoding else {
        return Ok(None);
    };
    let query = "SELECT pg_catalog.pg_encoding_to_char(pg_catalog.pg_char_to_encoding($1::name))::text";
    let name: String = session.client.query_one(query, &[asked]).await?.get(0);
    if name.is_empty() {
        return Err(Error::usage(format!("unknown encoding {asked:?}"))
            .hint("expected one of PostgreSQL's character sets, such as UTF8, LATIN1 or WIN1252"));
    }
    if options.inserts.is_some() && EMBED_ASCII.contains(&name.as_str()) {
        return Err(
            Error::usage(format!("rows as INSERT statements cannot be in {name}"))
                .hint("dump in UTF8, which every server converts to its own encoding"),
        );
    }
    let usual = if snapshot.encoding == NONE { NONE } else { "UTF8" };
    Ok(Some(name).filter(|name| name != usual))
}

/// The encoding of a database that has none.
const NONE: &str = "SQL_ASCII";

/// Converts the text of a plan; rows are converted as they are read.
///
/// # Errors
/// A letter that the encoding does not have.
pub(super) async fn convert(
    session: &Session,
    snapshot: &Snapshot,
    plan: &mut Plan,
    encoding: &str,
) -> Result<()> {
    let (from, to) = match (snapshot.encoding.as_str(), encoding) {
        // Nothing is converted, but what the script says it is must be true.
        (NONE, encoding) => (encoding, encoding),
        (database, NONE) => ("UTF8", database),
        _ => ("UTF8", encoding),
    };
    for step in &mut plan.steps {
        let texts = match step {
            Step::Sql(text) => vec![text],
            Step::Rows(rows) => {
                let rows = &mut **rows;
                let inserts = rows.inserts.iter_mut().map(|form| &mut form.prefix);
                [&mut rows.begin, &mut rows.end]
                    .into_iter()
                    .chain(inserts)
                    .collect()
            }
            Step::Statements(_) | Step::LargeObjects(_) => continue,
        };
        for text in texts.into_iter().filter(|text| !text.is_ascii()) {
            *text = converted(session, text, from, to).await?;
        }
    }
    Ok(())
}

async fn converted(session: &Session, text: &str, from: &str, to: &str) -> Result<String> {
    let query = "SELECT pg_catalog.convert($1::bytea, $2::name, $3::name)";
    let bytes = escape::to_bytes(text);
    let row = session
        .client
        .query_one(query, &[&&*bytes, &from, &to])
        .await
        .map_err(|e| {
            Error::from(e)
                .context(format!("cannot write the definitions in {to}"))
                .hint(match from == to {
                    true => "dump without --encoding, which keeps the bytes as they are",
                    false => "dump in UTF8, which every server converts to its own encoding",
                })
        })?;
    Ok(escape::of_bytes(row.get(0)).into_owned())
}
