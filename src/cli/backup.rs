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
    context.observer.event(Event::Phase(Phase::Connect));
    let settings = args.connection.settings_to_connect(context).await?;
    context
        .until_cancelled(crate::connect::connect(&settings))
        .await?;
    Err(crate::Error::failed("backup cannot dump yet"))
}
