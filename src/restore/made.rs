//! A database that a restore makes for itself: it stays where the restore ended well, and is dropped otherwise.
//!
//! Also where the restore's future is dropped, by a task of the runtime; so not where the runtime ends with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::database;
use crate::connect::{Session, Settings, connect};
use crate::event::{Event, Observer};
use crate::{Error, Result};

/// A server that is out of reach is not waited for longer.
const LIMIT: Duration = Duration::from_secs(20);

/// A new database, until it is known what becomes of it.
pub(super) struct Made {
    /// Of the database that it was made like.
    settings: Settings,
    dbname: String,
    runtime: Handle,
    /// It has been kept, or dropped.
    settled: bool,
}

impl Made {
    /// Makes an empty database like the one that the settings name, by a session which is given back.
    ///
    /// # Errors
    /// There is one of this name: [`Kind::Usage`](crate::error::Kind::Usage). The server refuses to make it.
    pub(super) async fn create(settings: &Settings, dbname: &str) -> Result<(Session, Made)> {
        let (settings, dbname, runtime) = (settings.clone(), dbname.to_string(), Handle::current());
        // A task goes on when nobody waits for it any more: only then it is known whether there is something to drop,
        // and that it is ours.
        let creating = tokio::spawn(async move {
            let session = connect(&settings).await?;
            if database::exists(&session, &dbname).await? {
                return Err(Error::usage(format!("database {dbname:?} exists already"))
                    .hint("Choose another name, or overwrite it with --dbname."));
            }
            database::create_like(&session, &dbname).await?;
            let made = Made {
                settings,
                dbname,
                runtime,
                settled: false,
            };
            Ok((session, made))
        });
        creating
            .await
            .map_err(|e| Error::failed("making a database was cut off").because(e))?
    }

    pub(super) fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The settings that lead into it.
    pub(super) fn settings(&self) -> Settings {
        self.settings.with_dbname(&self.dbname)
    }

    /// Lets it stay.
    pub(super) fn keep(mut self) {
        self.settled = true;
    }

    /// Drops it.
    pub(super) async fn drop(mut self) -> Result<()> {
        database::drop(&self.settings, &self.dbname).await?;
        self.settled = true;
        Ok(())
    }

    /// Drops it, as it was made in vain. Where that fails, it is named.
    pub(super) async fn discard(mut self, observer: &Arc<dyn Observer>) {
        let left = match tokio::time::timeout(LIMIT, database::drop(&self.settings, &self.dbname)).await {
            Ok(Ok(())) => None,
            Ok(Err(left)) => Some(left.to_string()),
            Err(_) => Some(format!(
                "the server does not answer, and database {:?} is left on it: drop it by hand",
                self.dbname
            )),
        };
        self.settled = true;
        if let Some(left) = left {
            observer.event(Event::Warning(left));
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.settled {
            let (settings, dbname) = (self.settings.clone(), self.dbname.clone());
            self.runtime.spawn(async move {
                // Nobody is left to be told.
                let _ = tokio::time::timeout(LIMIT, database::drop(&settings, &dbname)).await;
            });
        }
    }
}
