//! Proof that a backup restores: into a database made for it, which is then dumped again and held against the file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::input::{Input, Opened, Source};
use super::made::Made;
use super::parallel::Done;
use super::picture::{Differences, Painter, Picture};
use super::{Counts, Options, database, exchange, parallel, run};
use crate::connect::{Session, Settings, connect};
use crate::dump::{self, Known};
use crate::event::{Event, Observer};
use crate::{Error, Result};

/// What a comparison found.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Where the file and the database differ.
    pub differences: Differences,
    /// Tables compared.
    pub tables: u64,
    /// Rows in the file.
    pub rows: u64,
    /// Whether definitions were compared, too: only for files that pgstow wrote.
    pub definitions: bool,
}

/// What a test restore found.
#[derive(Debug, Clone)]
pub struct TestRestore {
    /// What was restored.
    pub counts: Counts,
    /// How long the restore took.
    pub took: Duration,
    /// The restored database against the file.
    pub comparison: Comparison,
}

/// Compares a file with a database, which is dumped for it and not changed. Of a file with an index the rows are not
/// read: it tells their digests.
pub async fn compare(
    settings: &Settings,
    path: &Path,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Comparison> {
    let opened = Opened::open(path)?;
    let request = request(&opened);
    compare_with(settings, &opened, &request, observer, cancel).await
}

/// What to ask a database for, to hold it against the file: a dump as the one in the file was made, so that equal
/// databases give equal texts.
fn request(opened: &Opened) -> dump::Request {
    dump::Request::of_header(opened.index().map(|index| &index.header))
}

async fn compare_with(
    settings: &Settings,
    opened: &Opened,
    request: &dump::Request,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Comparison> {
    let index = opened.index();
    let file = picture_of(opened);
    let painter = Painter::without_rows();
    let dumped = dump::database(settings, request, painter, Arc::clone(observer), cancel);
    let (file, dumped) = tokio::join!(file, dumped);
    let (painter, summary) = dumped?;
    let (file, database) = (file?, painter.finish_with(&summary.index)?);
    // In a file of INSERTs there are no rows to compare, and silence would look like proof.
    if file.tables.is_empty() && !database.tables.is_empty() {
        return Err(
            Error::failed(format!("{} has no COPY data to compare", opened.path().display()))
                .hint("Only dumps without --inserts and --schema-only can be compared."),
        );
    }
    Ok(Comparison {
        differences: Differences::between(&file, &database, index.is_some()),
        tables: file.tables.len() as u64,
        rows: file.tables.values().map(|rows| rows.rows).sum(),
        definitions: index.is_some(),
    })
}

/// Restores a file into a database made for it on the same server, compares the two, and drops it, come what may.
pub async fn test_restore(
    settings: &Settings,
    path: &Path,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<TestRestore> {
    let opened = Opened::open(path)?;
    let (_, scratch) = create_beside(settings, "test", observer).await?;
    let tried = restore_and_compare(&scratch.settings(), opened, options, observer, cancel).await;
    match tried {
        Ok(tried) => scratch.drop().await.map(|()| tried),
        Err(e) => {
            scratch.discard(observer).await;
            Err(e)
        }
    }
}

/// Restores a file into a database made for it, proves it, and then exchanges its name with the live one's. The live
/// database is not touched before, and stays under the name that is returned.
pub async fn swap(
    settings: &Settings,
    path: &Path,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<(TestRestore, String)> {
    let opened = Opened::open(path)?;
    let (session, fresh) = create_beside(settings, "restore", observer).await?;
    let copied = database::copy_properties(&session, fresh.dbname()).await;
    // It would only be one more in the way of the exchange.
    drop(session);
    let tried = match copied {
        Ok(()) => restore_and_compare(&fresh.settings(), opened, options, observer, cancel).await,
        Err(e) => Err(e),
    };
    let exchanged = match tried {
        Ok(tried) if !tried.comparison.differences.is_empty() => Err(Error::damaged(
            "what was restored is not what the file says: the live database was not touched",
        )
        .hint("`pgstow verify --test-restore` shows the differences.")),
        Ok(tried) => {
            let before = database::name_beside(settings.dbname(), "before", Utc::now());
            let swapped = exchange::swap(settings, settings.dbname(), fresh.dbname(), &before, cancel).await;
            swapped.map(|()| (tried, before))
        }
        Err(e) => Err(e),
    };
    match exchanged {
        Ok(_) => fresh.keep(),
        Err(_) => fresh.discard(observer).await,
    }
    exchanged
}

/// Restores into a new database made like the one that the settings name, which is dropped again if that fails. A file
/// that can be read at any place is read by several connections, if it has an index.
pub async fn beside(
    settings: &Settings,
    dbname: &str,
    source: Source,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Counts> {
    let input = source.open()?;
    let (session, fresh) = Made::create(settings, dbname).await?;
    drop(session);
    let restored = fill(&fresh.settings(), input, options, None, observer, cancel).await;
    match restored {
        Ok(_) => fresh.keep(),
        Err(_) => fresh.discard(observer).await,
    }
    restored.map(|done| done.counts)
}

/// Restores into a database that nobody else uses yet and that is dropped if this fails. `proof` is the dump that will be
/// held against the file, if one will.
async fn fill(
    settings: &Settings,
    input: Input,
    options: &Options,
    proof: Option<&dump::Request>,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<Done> {
    let session = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::interrupted()),
        session = connect(settings) => session?,
    };
    if let Input::File(opened) = &input
        && parallel::is_possible(options)
        && let Some(archive) = opened.archive()
    {
        let job = parallel::Job {
            settings,
            options,
            observer,
            proof,
        };
        return parallel::run(&job, session, archive, cancel).await;
    }
    let counts = run(session, input.script(options), options, observer, cancel).await?;
    Ok(Done {
        counts,
        at: Instant::now(),
        known: Known::new(),
    })
}

async fn create_beside(
    settings: &Settings,
    what: &str,
    observer: &Arc<dyn Observer>,
) -> Result<(Session, Made)> {
    let name = database::name_beside(settings.dbname(), what, Utc::now());
    let made = Made::create(settings, &name).await?;
    observer.event(Event::Info(format!("created database {name:?}")));
    Ok(made)
}

async fn restore_and_compare(
    settings: &Settings,
    opened: Opened,
    options: &Options,
    observer: &Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<TestRestore> {
    let clock = Instant::now();
    let input = Input::File(Box::new(opened.clone()));
    let mut request = request(&opened);
    let done = fill(settings, input, options, Some(&request), observer, cancel).await?;
    request.known = done.known;
    let comparison = compare_with(settings, &opened, &request, observer, cancel).await?;
    Ok(TestRestore {
        counts: done.counts,
        took: done.at - clock,
        comparison,
    })
}

async fn picture_of(opened: &Opened) -> Result<Picture> {
    let opened = opened.clone();
    let reading = tokio::task::spawn_blocking(move || opened.picture());
    reading
        .await
        .map_err(|e| Error::failed("reading the file failed").because(e))?
}
