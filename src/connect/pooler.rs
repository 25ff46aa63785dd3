//! Is there a connection pooler in transaction mode between us and the server? Then a session is many: whatever is set or
//! prepared outside of a transaction may be gone, or somebody else's, in the next one.

use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;

use super::Session;
use crate::{Error, Result};

/// How long a pooler may take to find a second connection to the server. One with none left lets clients wait.
const LIMIT: Duration = Duration::from_secs(5);

/// Why no other session can share this one's transaction, as a sentence to be told; `None` where nothing is in the way.
///
/// A server calls its process by the same number in the startup and in `pg_backend_pid()`; a pooler makes the first one
/// up. That alone may be session mode, where all is well. But two open connections with one server process between them
/// are transaction mode for certain. So the test costs one query, and another connection only behind a pooler. To be
/// asked outside of a transaction.
pub(super) async fn in_the_way(session: &Session) -> Result<Option<&'static str>> {
    if backend(session).await? == session.process_id {
        return Ok(None);
    }
    match tokio::time::timeout(LIMIT, shares_its_backend(session)).await {
        Ok(Ok(Some(false))) => Ok(None),
        Ok(Ok(Some(true))) => Ok(Some(
            "a connection pooler in transaction mode stands before the server, so one connection reads everything; \
             connect to the server itself to use several",
        )),
        Ok(Err(e)) => Err(e),
        Ok(Ok(None)) | Err(_) => Ok(Some(
            "a connection pooler stands before the server and gives no second connection, so one reads everything; \
             connect to the server itself to use several",
        )),
    }
}

/// `None` where there is no second connection to try it with.
async fn shares_its_backend(session: &Session) -> Result<Option<bool>> {
    let Ok(other) = super::search::try_all(&session.settings).await? else {
        return Ok(None);
    };
    // A pooler hands out the server connection that was used last, so one try would nearly do.
    for _ in 0..3 {
        if backend(&other).await? == backend(session).await? {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

/// `pg_backend_pid()`, by the simple protocol: prepared statements are just what a pooler spoils.
async fn backend(session: &Session) -> Result<i32> {
    let rows = session
        .client
        .simple_query("SELECT pg_catalog.pg_backend_pid()")
        .await
        .map_err(|e| session.explain(e))?;
    rows.iter()
        .find_map(|m| match m {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        })
        .ok_or_else(|| Error::failed("the server does not tell its process id"))
}
