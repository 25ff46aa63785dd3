//! Databases renamed or dropped while others may be in them: what stands in the way, and getting it out of the way.
//!
//! The server renames and drops no database in use. It waits five seconds for others to leave, and holds new sessions off
//! meanwhile: so that is begun first, and only while it waits are sessions ended, by another connection. Ended are those
//! that the role may end; nobody is, where somebody would stay or a prepared transaction is open.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::database::{self, rename_both};
use crate::connect::{Session, Settings, connect};
use crate::error::Kind;
use crate::finding::Finding;
use crate::sql::ident;
use crate::{Error, Result, human};

/// How often it is tried with a database in use, five seconds each.
const ATTEMPTS: u32 = 2;
/// How long the server may find by itself that nobody is there.
const GRACE: Duration = Duration::from_millis(200);
/// How long sessions that we may not end may take to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sessions in databases, and whether this role may end them. What the server does for itself gives way on its own.
const SESSIONS: &str = "
SELECT a.pid, COALESCE(a.usename::text, ''), COALESCE(a.application_name, ''),
    me.rolsuper OR (NOT COALESCE(r.rolsuper, true)
        AND (pg_catalog.pg_has_role(r.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')))
FROM pg_catalog.pg_stat_activity a
JOIN pg_catalog.pg_roles me ON me.rolname = current_user
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
WHERE a.datname::text = ANY ($1) AND a.pid <> pg_catalog.pg_backend_pid() AND a.usesysid IS NOT NULL
    AND COALESCE(a.backend_type, '') NOT IN ('parallel worker', 'autovacuum worker')
ORDER BY 1";

const PREPARED: &str = "
SELECT gid, pg_catalog.count(*) OVER () FROM pg_catalog.pg_prepared_xacts WHERE database::text = ANY ($1)
ORDER BY prepared LIMIT 3";

/// Databases from which others can be renamed, the likeliest first.
const OUTSIDE: &str = "
SELECT datname::text FROM pg_catalog.pg_database
WHERE datallowconn AND pg_catalog.has_database_privilege(oid, 'CONNECT') AND NOT datname::text = ANY ($1)
ORDER BY datname <> 'postgres', datname <> 'template1', datname";

/// What keeps a database from being renamed.
#[derive(Debug, Default)]
struct Obstacles {
    /// Names of prepared transactions, the first of them, and how many there are.
    prepared: Vec<String>,
    all_prepared: u64,
    /// Sessions that the role may not end, as people know them.
    lasting: Vec<String>,
    /// Processes that it may end.
    others: Vec<i32>,
}

impl Obstacles {
    async fn find(session: &Session, databases: &[&str]) -> Result<Obstacles> {
        let mut found = Obstacles::default();
        let told = |e| session.explain(e);
        for row in session
            .client
            .query(PREPARED, &[&databases])
            .await
            .map_err(told)?
        {
            found.prepared.push(row.get(0));
            found.all_prepared = u64::try_from(row.get::<_, i64>(1)).unwrap_or(0);
        }
        for row in session
            .client
            .query(SESSIONS, &[&databases])
            .await
            .map_err(told)?
        {
            let (pid, user, program, may): (i32, String, String, bool) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            match may {
                true => found.others.push(pid),
                false if program.is_empty() => found.lasting.push(format!("role {user:?}, process {pid}")),
                false => found
                    .lasting
                    .push(format!("role {user:?}, {program:?}, process {pid}")),
            }
        }
        Ok(found)
    }

    fn prepared(&self, dbname: &str) -> Option<(String, &'static str)> {
        let names = self.prepared.iter().map(|gid| format!("{gid:?}"));
        let more = if self.all_prepared > 3 { ", ..." } else { "" };
        (self.all_prepared > 0).then(|| {
            let number = human::number_of(self.all_prepared, "prepared transaction");
            let names = names.collect::<Vec<_>>().join(", ");
            (
                format!(
                    "database {dbname:?} has {number} ({names}{more}), and the server renames no database that has any"
                ),
                "COMMIT PREPARED or ROLLBACK PREPARED each first.",
            )
        })
    }

    fn lasting(&self, dbname: &str) -> Option<(String, &'static str)> {
        (!self.lasting.is_empty()).then(|| {
            let some: Vec<_> = self.lasting.iter().take(5).map(String::as_str).collect();
            let more = if self.lasting.len() > 5 { "; ..." } else { "" };
            (
                format!(
                    "sessions in database {dbname:?} that this role may not end: {}{more}",
                    some.join("; ")
                ),
                "Have them closed before the names are exchanged, or restore as a superuser.",
            )
        })
    }
}

/// What would keep the session's database from being exchanged with another one.
pub(super) async fn examine(session: &Session) -> Result<Vec<Finding>> {
    let query = "SELECT pg_catalog.current_database()::text, current_user::text, pg_catalog.pg_get_userbyid(datdba)::text, \
         pg_catalog.pg_has_role(datdba, 'USAGE') FROM pg_catalog.pg_database \
         WHERE datname = pg_catalog.current_database()";
    let row = session.client.query_one(query, &[]).await;
    let row = row.map_err(|e| session.explain(e))?;
    let (dbname, user, owner, owns): (String, String, String, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let mut findings = Vec::new();
    if !owns {
        findings.push(
            Finding::failed(
                "exchange",
                format!("role {user:?} may not rename database {dbname:?}, which belongs to {owner:?}"),
            )
            .hint("Restore as its owner or as a superuser."),
        );
    }
    if let Err(e) = connect_outside(session.settings(), &[&dbname]).await {
        let finding = Finding::failed("exchange", e.message());
        findings.push(match e.hint_text() {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }
    let obstacles = Obstacles::find(session, &[&dbname]).await?;
    let prepared = obstacles.prepared(&dbname);
    findings.extend(prepared.map(|(found, hint)| Finding::failed("exchange", found).hint(hint)));
    let lasting = obstacles.lasting(&dbname);
    findings.extend(lasting.map(|(found, hint)| Finding::warning("exchange", found).hint(hint)));
    Ok(findings)
}

/// A session in none of these databases, which the settings may name.
pub(super) async fn connect_outside(settings: &Settings, databases: &[&str]) -> Result<Session> {
    for dbname in ["postgres", "template1"] {
        if !databases.contains(&dbname)
            && let Ok(session) = connect(&settings.with_dbname(dbname)).await
        {
            return Ok(session);
        }
    }
    let inside = connect(settings).await?;
    let rows = inside.client.query(OUTSIDE, &[&databases]).await;
    let rows = rows.map_err(|e| inside.explain(e))?;
    for row in rows {
        if let Ok(session) = connect(&settings.with_dbname(row.get(0))).await {
            return Ok(session);
        }
    }
    let names: Vec<_> = databases.iter().map(|name| format!("{name:?}")).collect();
    Err(Error::failed(format!(
        "the server renames and drops a database only from another one, and there is none but {} that can be connected to",
        names.join(" and ")
    ))
    .hint("Create one, such as postgres, or allow the role to connect to it."))
}

/// Gives `fresh` the name of `live`, and `live` the name `before`: both or neither. Sessions of the live database are
/// ended.
pub(super) async fn swap(
    settings: &Settings,
    live: &str,
    fresh: &str,
    before: &str,
    cancel: &CancellationToken,
) -> Result<()> {
    let databases = [live, fresh];
    let session = connect_outside(settings, &databases).await?;
    let waited = tokio::time::Instant::now();
    loop {
        let obstacles = Obstacles::find(&session, &databases).await?;
        if let Some((found, hint)) = obstacles.prepared(live) {
            return Err(Error::failed(found).hint(hint));
        }
        let Some((found, hint)) = obstacles.lasting(live) else {
            break;
        };
        if waited.elapsed() > PATIENCE {
            return Err(Error::failed(found).hint(hint));
        }
        tokio::select! {
            () = cancel.cancelled() => return Err(Error::interrupted()),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
    let text = rename_both(live, fresh, before);
    let Err(e) = insist(&session, &text, &databases, cancel).await else {
        return Ok(());
    };
    let failed = e.context("cannot exchange the databases' names");
    let lost = match failed.kind() {
        Kind::Interrupted => session.client.is_closed(),
        // 57P01 and the like end a session.
        _ => failed
            .server()
            .is_none_or(|server| server.code.starts_with("57P")),
    };
    if !lost {
        return Err(failed);
    }
    // Nobody else gives a database this name.
    match exists_after(&session, before).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed),
        Err(unknown) => Err(failed.hint(format!(
            "Whether they were exchanged must be looked up: then there is a database {before:?} ({unknown})."
        ))),
    }
}

/// Whether a database exists when what a lost session was doing has been done.
async fn exists_after(lost: &Session, dbname: &str) -> Result<bool> {
    database::exists(&outlive(lost).await?, dbname).await
}

/// Another session, once the server has ended one that was lost: what that one was doing has been done by then, or never
/// will be.
pub(super) async fn outlive(lost: &Session) -> Result<Session> {
    const QUERY: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1)";
    let ended = async {
        let _ = lost.cancel().await;
        let session = connect(lost.settings()).await?;
        loop {
            let row = session.client.query_one(QUERY, &[&lost.process_id]).await;
            if !row.map_err(|e| session.explain(e))?.get::<_, bool>(0) {
                return Ok(session);
            }
            tokio::time::sleep(GRACE).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.unwrap_or_else(|_| {
        Err(Error::failed(
            "the server does not answer, or does not end the session",
        ))
    })
}

/// Drops a database, if it is there, whoever is connected to it, by a session in another one.
pub(super) async fn drop(session: &Session, dbname: &str) -> Result<()> {
    let text = format!("DROP DATABASE IF EXISTS {}", ident(dbname));
    let dropped = insist(session, &text, &[dbname], &CancellationToken::new()).await;
    dropped.map_err(|e| e.context(format!("cannot drop database {dbname:?}")))
}

/// Does what wants databases for itself.
async fn insist(session: &Session, text: &str, databases: &[&str], cancel: &CancellationToken) -> Result<()> {
    for attempt in 1.. {
        let Err(e) = alone(session, text, databases, cancel).await? else {
            return Ok(());
        };
        let in_use = e.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE);
        if session.client.batch_execute("ROLLBACK").await.is_ok() && in_use && attempt < ATTEMPTS {
            continue;
        }
        let error = session.explain(e);
        let left = Obstacles::find(session, databases).await.unwrap_or_default();
        return Err(
            match left.prepared(databases[0]).or_else(|| left.lasting(databases[0])) {
                Some((found, hint)) => error.hint(format!("{hint} ({found})")),
                None => error,
            },
        );
    }
    Ok(())
}

/// Runs it, and ends sessions that keep it waiting. Cancelled, it may still have happened: then it is no error.
async fn alone(
    session: &Session,
    text: &str,
    databases: &[&str],
    cancel: &CancellationToken,
) -> Result<std::result::Result<(), tokio_postgres::Error>> {
    const LIMIT: Duration = Duration::from_secs(10);
    let done = session.client.batch_execute(text);
    tokio::pin!(done);
    let mut other = None;
    loop {
        tokio::select! {
            biased;
            done = &mut done => return Ok(done),
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(GRACE) => {}
        }
        if other.is_none() {
            other = connect(session.settings()).await.ok();
        }
        if let Some(other) = &other {
            end_sessions(other, databases).await;
        }
    }
    let _ = session.cancel().await;
    match tokio::time::timeout(LIMIT, done).await {
        Ok(Ok(())) => Ok(Ok(())),
        _ => Err(Error::interrupted()),
    }
}

/// Ends the sessions that the role may end, as far as the server lets it: what is left keeps the databases in use, and
/// is told then.
async fn end_sessions(session: &Session, databases: &[&str]) {
    let Ok(obstacles) = Obstacles::find(session, databases).await else {
        return;
    };
    for pid in obstacles.others {
        let query = "SELECT pg_catalog.pg_terminate_backend($1)";
        let _ = session.client.execute(query, &[&pid]).await;
    }
}
