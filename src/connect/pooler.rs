//! Is there a connection pooler in transaction mode between us and the server? Then a session is many: whatever is set or
//! prepared outside of a transaction may be gone, or somebody else's, in the next one.

use tokio_postgres::SimpleQueryMessage;

use super::Session;
use crate::{Error, Result};

/// What the user is told.
pub(super) const TOLD: &str = "a connection pooler in transaction mode stands before the server, so one connection \
     reads everything; connect to the server itself to use several";

/// The test costs one query, and another connection only where the first tells of a pooler. To be asked outside of a
/// transaction.
///
/// A server calls its process by the same number in the startup and in `pg_backend_pid()`; a pooler makes the first one
/// up. That alone may be session mode, where all is well. But two open connections with one server process between them
/// are transaction mode for certain.
pub(super) async fn in_transaction_mode(session: &Session) -> Result<bool> {
    let first = backend(session).await?;
    if first == session.process_id {
        return Ok(false);
    }
    let Ok(Ok(other)) = super::session::try_all(&session.settings).await else {
        // No second connection to be had: nothing is known, and nobody else will join either.
        return Ok(false);
    };
    // The pooler hands out the most recently used server connection, but a busy one may need a few tries.
    for _ in 0..3 {
        if backend(&other).await? == backend(session).await? {
            return Ok(true);
        }
    }
    Ok(false)
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
