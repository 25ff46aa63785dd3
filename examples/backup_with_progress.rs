//! A backup with a callback for progress, which Ctrl-C ends without leaving anything behind.
//!
//!     cargo run --example backup_with_progress -- postgresql://app@localhost/app /var/backups/app

use std::sync::atomic::{AtomicU64, Ordering};

use pgstow::Backup;
use pgstow::connect::Settings;
use pgstow::event::Event;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> pgstow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(database), Some(store)) = (arguments.next(), arguments.next()) else {
        return Err(pgstow::Error::usage("expected a database and a directory"));
    };

    let rows = AtomicU64::new(0);
    let progress = move |event: Event| match event {
        Event::Total { tables, bytes } => println!("{tables} tables, about {bytes} bytes"),
        Event::Moved { rows: more, .. } => {
            rows.fetch_add(more, Ordering::Relaxed);
        }
        Event::Table { schema, name, .. } => {
            println!(
                "{schema}.{name} is done; {} rows so far",
                rows.load(Ordering::Relaxed)
            );
        }
        Event::Warning(text) => println!("warning: {text}"),
        _ => {}
    };
    let cancel = CancellationToken::new();
    let on_signal = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_signal.cancel();
        }
    });

    let made = Backup::new(Settings::resolve(Some(&database))?, store)
        .observer(progress)
        .cancel(cancel)
        .run()
        .await?;
    println!(
        "{}: {} bytes, {} rows",
        made.path.display(),
        made.bytes,
        made.rows
    );
    Ok(())
}
