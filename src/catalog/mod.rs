//! Every object of the database as the server describes it.

use crate::Result;
use crate::connect::Session;

/// All objects of one database, as of one snapshot.
#[derive(Debug, Default)]
pub struct Catalog {}

/// Reads every object inside the session's current transaction.
pub async fn load(_session: &Session) -> Result<Catalog> {
    Ok(Catalog::default())
}
