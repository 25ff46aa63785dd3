//! `pgstow backup`.

use super::{Connection, Context};
use crate::Result;
use crate::event::{Event, Phase};

/// Options of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
}

/// Backs a database up.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let settings = args.connection.settings()?;
    context.observer.event(Event::Phase(Phase::Connect));
    context
        .until_cancelled(crate::connect::connect(&settings))
        .await?;
    Err(crate::Error::failed("backup cannot dump yet"))
}
