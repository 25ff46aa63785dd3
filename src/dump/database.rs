//! From a database to the bytes of its dump: connection, snapshot, catalog, plan, stream.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use chrono::SecondsFormat;
use tokio_util::sync::CancellationToken;

use super::{Options, Source, stream, workers};
use crate::archive::{Compression, FORMAT_VERSION, Header, Summary};
use crate::connect::{Session, Settings, Snapshot, SnapshotOptions, connect};
use crate::event::{Event, Observer, Phase};
use crate::plan::{self, Plan};
use crate::{Error, Result, catalog};

/// What to dump of a database, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the sessions are asked for.
    pub snapshot: SnapshotOptions,
    /// What the dump contains, in which form.
    pub plan: plan::Options,
    /// The container and its level.
    pub compression: Compression,
    /// Whether each gzip member is decoded and compared before it is written.
    pub check_members: bool,
    /// Connections that read rows; `None`: as many as make sense here.
    pub jobs: Option<usize>,
}

/// Dumps a whole database into `out`, inside one snapshot.
///
/// Gives the output back, flushed but not synced. On an error, or when `cancel` is cancelled or the future dropped,
/// nothing that was written is a dump, and the server has been asked to stop.
pub async fn database<W: Write + Send + 'static>(
    settings: &Settings,
    request: &Request,
    out: W,
    observer: Arc<dyn Observer>,
    cancel: &CancellationToken,
) -> Result<(W, Summary)> {
    let prepared = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::interrupted()),
        prepared = prepare(settings, request, &*observer) => prepared?,
    };
    let (source, plan) = prepared;
    let options = Options {
        compression: request.compression,
        check_members: request.check_members,
        jobs: request.jobs,
        header: header(&source, request),
        ..Options::default()
    };
    observer.event(Event::Phase(Phase::Dump));
    stream(source, plan, out, options, observer, cancel).await
}

/// Everything before the first byte of output.
async fn prepare(settings: &Settings, request: &Request, observer: &dyn Observer) -> Result<(Source, Plan)> {
    observer.event(Event::Phase(Phase::Connect));
    let mut leader = connect(settings).await?;
    let snapshot = Snapshot::take(&leader, &request.snapshot).await?;
    observer.event(Event::Phase(Phase::Introspect));
    let tables = catalog::lock(&leader).await?;
    let helpers = helpers(settings, request, &snapshot, tables).await;
    let sessions: Vec<&Session> = std::iter::once(&leader).chain(&helpers).collect();
    let catalog = catalog::read(&sessions, wanted(&request.plan)).await?;
    drop(helpers);
    let plan = plan::build(catalog, &request.plan)?;
    for warning in &plan.warnings {
        observer.event(Event::Warning(warning.clone()));
    }
    while let Ok(notice) = leader.notices.try_recv() {
        observer.event(Event::Server(notice));
    }
    let source = Source {
        settings: settings.clone(),
        leader,
        snapshot,
    };
    Ok((source, plan))
}

/// What the plan will ask of the catalog.
fn wanted(options: &plan::Options) -> catalog::Wanted {
    catalog::Wanted {
        rows: options.rows,
        drops: options.clean,
    }
}

/// From this many tables on the catalog is read by several sessions.
const MANY_TABLES: usize = 500;

/// Further sessions to read a large catalog with. Where there cannot be any, the leader does it alone.
async fn helpers(settings: &Settings, request: &Request, snapshot: &Snapshot, tables: usize) -> Vec<Session> {
    let mut helpers = Vec::new();
    let jobs = workers(request.jobs);
    if tables < MANY_TABLES || snapshot.id.is_none() {
        return helpers;
    }
    for _ in 1..jobs.min(MOST_READERS) {
        let Ok(session) = connect(settings).await else {
            break;
        };
        if snapshot.join(&session).await.is_err() {
            break;
        }
        helpers.push(session);
    }
    helpers
}

/// Sessions that read a catalog at once: a few queries make most of the work.
const MOST_READERS: usize = 3;

/// What the index says about the dump. It must not depend on anything but the snapshot and the options.
fn header(source: &Source, request: &Request) -> Header {
    let Session {
        version,
        version_text,
        ..
    } = &source.leader;
    let plan::Options {
        schema,
        rows,
        create,
        clean,
        if_exists,
        owners,
        privileges,
    } = request.plan;
    let options = [
        ("schema", schema),
        ("rows", rows),
        ("create", create),
        ("clean", clean),
        ("if_exists", if_exists),
        ("owners", owners),
        ("privileges", privileges),
    ];
    Header {
        format: FORMAT_VERSION,
        pgstow: env!("CARGO_PKG_VERSION").into(),
        server: version_text.clone(),
        server_version_num: *version,
        database: source.settings.dbname().into(),
        snapshot_time: source.snapshot.time.to_rfc3339_opts(SecondsFormat::Micros, true),
        compression: request.compression.to_string(),
        options: options
            .into_iter()
            .map(|(name, on)| (name.to_string(), on.to_string()))
            .collect::<BTreeMap<_, _>>(),
    }
}
