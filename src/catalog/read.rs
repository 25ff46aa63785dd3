//! Runs the registry's queries: locks first, then every query once, spread over the sessions at hand.

use futures_util::future::try_join_all;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, RowStream};

use super::kind::Kind;
use super::loader::{Catalog, Loader, Scope};
use super::names::Choice;
use super::spread::rows_in_order;
use super::{KINDS, LOCKABLE, coverage, dialect, large_object, row, sequence, table};
use crate::connect::Session;
use crate::{Error, Result};

/// Tables in one `LOCK TABLE` statement: few round trips, statements of moderate length.
const LOCK_BATCH: usize = 1000;

/// The tables that are wanted, by their quoted names.
///
/// # Errors
/// A lost connection.
pub async fn lockable(session: &Session, choice: &Choice) -> Result<Vec<String>> {
    wanted(session, LOCKABLE, choice).await
}

/// The statements that take an ACCESS SHARE lock on each of these tables.
pub fn lock_statements(tables: &[String]) -> impl Iterator<Item = String> {
    tables
        .chunks(LOCK_BATCH)
        .map(|batch| format!("LOCK TABLE {} IN ACCESS SHARE MODE;\n", batch.join(", ")))
}

/// Takes an ACCESS SHARE lock on each of these tables, so that what the server's functions describe cannot change under
/// way.
///
/// # Errors
/// A table that may not be locked (it is named by the server), a full lock table, a lost connection.
pub async fn lock(session: &Session, tables: &[String]) -> Result<()> {
    let locking =
        lock_statements(tables).map(async |statement| session.client.batch_execute(&statement).await);
    try_join_all(locking)
        .await
        .map_err(|e| lock_failure(e, tables.len()))?;
    Ok(())
}

/// The tables that were truncated, rewritten, renamed or replaced between the session's snapshot and their [lock]: what
/// the snapshot sees of them may be nothing. Rewriting that keeps old rows (`VACUUM FULL`, `CLUSTER`) cannot be told
/// apart.
///
/// # Errors
/// A lost connection.
pub async fn changed(session: &Session, choice: &Choice) -> Result<Vec<String>> {
    // The snapshot's name and file against those that there are now.
    let query = format!(
        "SELECT lockable.* FROM ({LOCKABLE}) AS lockable JOIN pg_class c USING (oid)
         WHERE oid::regclass::text <> lockable.name
             OR c.relkind = 'r' AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(oid)"
    );
    wanted(session, &query, choice).await
}

/// The names that are wanted of what a query finds.
async fn wanted(session: &Session, query: &str, choice: &Choice) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for row in session.client.query(query, &[]).await? {
        if is_wanted(&row, choice)? {
            names.push(row::value(&row, 0)?);
        }
    }
    Ok(names)
}

/// Whether a relation's rows may be wanted, from a row that has its name, OID, schema and extension.
pub(super) fn is_wanted(row: &Row, choice: &Choice) -> Result<bool> {
    let (oid, schema): (u32, String) = (row::value(row, 1)?, row::value(row, 2)?);
    let extension: Option<u32> = row::value(row, 3)?;
    Ok(match extension {
        Some(extension) => choice.extension_rows(extension, oid, &schema),
        None => choice.relation(oid, &schema),
    })
}

/// Why the tables could not be locked, and what to do about it.
fn lock_failure(error: tokio_postgres::Error, tables: usize) -> Error {
    let code = error.code().cloned();
    let error = Error::from(error).context("cannot lock every table for reading");
    match code {
        Some(SqlState::INSUFFICIENT_PRIVILEGE) => error.hint(
            "the role needs SELECT on every table of the database; membership in pg_read_all_data (14+) gives that",
        ),
        Some(SqlState::OUT_OF_MEMORY) => error.hint(format!(
            "the dump locks {tables} tables at once: raise the server's max_locks_per_transaction (times \
             max_connections it should exceed that number) and restart it"
        )),
        _ => error,
    }
}

/// Reads every object. The tables must be [locked](lock); all sessions must be on the same snapshot, and the first one's
/// locks protect what the others read. What is not wanted is neither asked nor kept.
///
/// # Errors
/// A lost connection, an object that no kind understands.
pub async fn read(sessions: &[&Session], scope: &Scope) -> Result<Catalog> {
    let &leader = sessions
        .first()
        .ok_or_else(|| Error::failed("the catalog needs a session to be read by"))?;
    let mut loader = Loader {
        scope: scope.clone(),
        ..Loader::default()
    };
    if scope.sequence_values {
        sequence::load_values(leader, &mut loader).await?;
    }
    let kinds = KINDS.iter().filter(|kind| scope.rows || !kind.for_rows);
    let mut checked = None;
    let begin = |session: usize, kind: &'static Kind| begin(sessions[session], kind);
    let load = |kind: &'static Kind, row: Result<Row>| {
        let loaded = row.and_then(|row| {
            if checked.replace(kind.name) != Some(kind.name) {
                kind.check_columns(&row)?;
            }
            (kind.load)(&row, &mut loader)
        });
        loaded.map_err(|e| e.context(format!("reading the catalog ({})", kind.name)))
    };
    rows_in_order(sessions.len(), kinds, begin, load).await?;
    table::finish(&mut loader);
    large_object::finish(&mut loader);
    loader.catalog.encoding = encoding(leader).await?;
    let Loader {
        mut catalog,
        to_cover,
        ..
    } = loader;
    coverage::check(leader, &catalog, to_cover).await?;
    coverage::check_comments(leader, &mut catalog).await?;
    Ok(catalog)
}

async fn encoding(session: &Session) -> Result<String> {
    let sql =
        "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()";
    Ok(session.client.query_one(sql, &[]).await?.get(0))
}

/// Asks for a kind's rows; `None` where the server cannot have any.
async fn begin(session: &Session, kind: &Kind) -> Result<Option<RowStream>> {
    if let Some(question) = kind.unreadable {
        let names: Option<Vec<String>> = row::value(&session.client.query_one(question, &[]).await?, 0)?;
        match names {
            Some(names) if names.is_empty() => return Ok(None),
            Some(names) => return Err(unreadable(kind, &names)),
            None => {}
        }
    }
    let Some(sql) = dialect::adapt(kind.name, kind.sql, session.version) else {
        return Ok(None);
    };
    let none: [(&(dyn ToSql + Sync), Type); 0] = [];
    Ok(Some(session.client.query_typed_raw(&sql, none).await?))
}

/// Why a dump cannot be whole.
fn unreadable(kind: &Kind, names: &[String]) -> Error {
    Error::failed(format!(
        "this role may not read the {} {}",
        kind.name,
        names.join(", ")
    ))
    .hint("nothing was written, because a dump without it would not be whole; dump as a superuser")
}
