//! From a database to the bytes of its dump: connection, snapshot, catalog, plan, stream.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use chrono::SecondsFormat;
use tokio_util::sync::CancellationToken;

use super::locked::{Locked, locked};
use super::{Known, KnownRows, Options, Request, Source, encoding, stream, workers};
use crate::archive::{Digest, FORMAT_VERSION, Header, Summary};
use crate::catalog::Scope;
use crate::connect::{Session, Settings, Snapshot, connect, is_out_of_turn};
use crate::event::{Event, Observer, Phase};
use crate::plan::{self, Plan, Step};
use crate::sql::quoting;
use crate::{Error, Result, catalog, human};

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
        prepared = quoting(request.snapshot.quote_all_identifiers, prepare(settings, request, &*observer)) => prepared?,
    };
    let (source, mut plan) = prepared;
    let options = Options {
        compression: request.compression,
        check_members: request.check_members,
        digests_only: request.digests_only,
        known: set_apart(&mut plan, &request.known),
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
    observer.event(Event::Phase(Phase::Introspect));
    let Locked {
        snapshot,
        options,
        choice,
        tables,
    } = locked(&leader, request, observer).await?;
    let scope = Scope {
        rows: options.reads_rows(),
        sequence_values: options.sections.data && (options.rows || options.sequence_values),
        drops: options.clean,
        toast_compression: options.toast_compression,
        tablespaces: options.tablespaces,
        choice,
    };
    let helpers = helpers(settings, request, &snapshot, tables).await;
    let sessions: Vec<&Session> = std::iter::once(&leader).chain(&helpers).collect();
    let catalog = match catalog::read(&sessions, &scope).await {
        Err(e) if is_out_of_turn(&e) && sessions.len() > 1 => catalog::read(&[&leader], &scope).await,
        read => read,
    }?;
    drop(helpers);
    let mut plan = plan::build(catalog, &options, &scope.choice)?;
    if !plan.left_out.is_empty() {
        observer.event(Event::Info(left_out(&plan.left_out)));
    }
    for warning in &plan.warnings {
        observer.event(Event::Warning(warning.clone()));
    }
    if let Some(encoding) = &options.encoding {
        encoding::convert(&leader, &snapshot, &mut plan, encoding).await?;
    }
    while let Ok(notice) = leader.notices.try_recv() {
        observer.event(Event::Server(notice));
    }
    let source = Source {
        settings: settings.clone(),
        leader,
        snapshot,
        encoding: options.encoding,
    };
    Ok((source, plan))
}

/// The digests of tables that need not be read, by step. Nothing is there to be divided or to be waited for then.
fn set_apart(plan: &mut Plan, known: &Known) -> HashMap<usize, Digest> {
    let mut apart = HashMap::new();
    if known.is_empty() {
        return apart;
    }
    for (number, step) in plan.steps.iter_mut().enumerate() {
        let Step::Rows(rows) = step else { continue };
        let same = |known: &&KnownRows| known.columns == rows.columns;
        let of = known.get(&(rows.schema.clone(), rows.name.clone())).filter(same);
        if let Some(KnownRows { digest, .. }) = of
            && rows.filter.is_none()
            && rows.inserts.is_none()
            && rows.through.is_none()
        {
            (rows.bytes, rows.heap_pages) = (0, None);
            apart.insert(number, *digest);
        }
    }
    apart
}

/// What the filter leaves out, rule by rule.
fn left_out(counts: &BTreeMap<&'static str, usize>) -> String {
    let rules: Vec<String> = counts
        .iter()
        .map(|(rule, count)| format!("{rule}: {count}"))
        .collect();
    let total: usize = counts.values().sum();
    let total = human::number_of(total as u64, "object");
    format!("{total} left out as asked ({})", rules.join("; "))
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
    Header {
        format: FORMAT_VERSION,
        pgstow: env!("CARGO_PKG_VERSION").into(),
        server: version_text.clone(),
        server_version_num: *version,
        database: source.settings.dbname().into(),
        snapshot_time: source.snapshot.time.to_rfc3339_opts(SecondsFormat::Micros, true),
        compression: request.compression.to_string(),
        options: request.options(),
    }
}
