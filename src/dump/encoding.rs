//! A script in another encoding than UTF-8 (`--encoding`): the server converts, text and rows alike.

use crate::connect::Session;
use crate::plan::{self, Plan, Step};
use crate::{Error, Result};

/// Encodings in which a byte of a letter may look like a backslash or a quote. COPY takes care of that, statements made
/// of COPY text would not.
const EMBED_ASCII: &[&str] = &["BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC"];

/// The server's name of the encoding that is asked for; `None` for UTF8, in which everything is read anyway.
///
/// # Errors
/// An encoding that the server does not know, or in which rows cannot be INSERT statements.
pub(super) async fn name(session: &Session, options: &plan::Options) -> Result<Option<String>> {
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
    Ok(Some(name).filter(|name| name != "UTF8"))
}

/// Converts the text of a plan; rows are converted as they are read.
///
/// # Errors
/// A letter that the encoding does not have.
pub(super) async fn convert(session: &Session, plan: Plan, encoding: &str) -> Result<Plan> {
    let mut steps = Vec::with_capacity(plan.steps.len());
    for step in plan.steps {
        match step {
            Step::Sql(text) => steps.push(converted(session, &text, encoding).await?),
            Step::Rows(mut rows) => {
                let begin = std::mem::take(&mut rows.begin);
                let end = std::mem::take(&mut rows.end);
                steps.push(converted(session, &begin, encoding).await?);
                if let Some(form) = &rows.inserts
                    && !form.prefix.is_ascii()
                {
                    return Err(Error::failed(format!(
                        "the INSERT statements of {}.{} have names beyond ASCII, which are written in UTF8 only",
                        rows.schema, rows.name
                    )));
                }
                steps.push(Step::Rows(rows));
                steps.push(converted(session, &end, encoding).await?);
            }
            other => steps.push(other),
        }
    }
    Ok(Plan { steps, ..plan })
}

async fn converted(session: &Session, text: &str, encoding: &str) -> Result<Step> {
    let query = "SELECT pg_catalog.convert_to($1::text, $2::name)";
    let row = session
        .client
        .query_one(query, &[&text, &encoding])
        .await
        .map_err(|e| {
            Error::from(e)
                .context(format!("cannot write the definitions in {encoding}"))
                .hint("dump in UTF8, which every server converts to its own encoding")
        })?;
    Ok(Step::Bytes(row.get(0)))
}
