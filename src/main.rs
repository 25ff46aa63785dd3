//! Logging, signals, exit codes, broken pipe: nothing else.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use pgstow::cli::{self, Cli, Context, log};
use pgstow::error::{Error, Kind};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// 128 + SIGPIPE: what a shell reports for a program that wrote to a closed pipe.
const BROKEN_PIPE: u8 = 141;

fn main() -> ExitCode {
    let cli = Cli::from_args();
    log::start(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return report(&Error::io("cannot start worker threads", e), 0),
    };
    let signalled = Arc::new(AtomicU8::new(0));
    let result = runtime.block_on(async {
        let cancel = CancellationToken::new();
        watch_signals(&signalled, &cancel).map_err(|e| Error::io("cannot watch for signals", e))?;
        let context = Context::new(&cli.global, cancel);
        cli::run(cli, &context).await
    });
    // A thread may still sit in a read of standard input, which nothing can wake.
    runtime.shutdown_timeout(Duration::from_millis(200));
    cli::progress::wipe();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => report(&e, signalled.load(Ordering::SeqCst)),
    }
}

/// The first SIGINT or SIGTERM cancels the work, which then cleans up behind itself; the second one ends the process.
fn watch_signals(signalled: &Arc<AtomicU8>, cancel: &CancellationToken) -> std::io::Result<()> {
    // The kernel gives process 1 no default handlers: it must have its own to be stopped at all.
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
        let mut signals = signal(kind)?;
        let signalled = Arc::clone(signalled);
        let cancel = cancel.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if signalled.swap(number, Ordering::SeqCst) != 0 {
                    std::process::exit(128 + i32::from(number));
                }
                cancel.cancel();
            }
        });
    }
    Ok(())
}

/// Tells the error and gives the exit code that it means.
fn report(error: &Error, signal: u8) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::from(BROKEN_PIPE);
    }
    log::error(error);
    ExitCode::from(match error.kind() {
        Kind::Interrupted if signal != 0 => 128 + signal,
        kind => kind.exit_code(),
    })
}

/// Whoever read our standard output has gone (`pgstow list | head`). A lost server arrives as an error of the
/// connection, never as a bare I/O error.
fn is_broken_pipe(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|e| e.downcast_ref::<std::io::Error>())
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
