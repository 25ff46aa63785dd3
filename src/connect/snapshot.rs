//! The one view of the database that every session of a dump shares, and the settings under which they all read it.
//!
//! The leader [takes](Snapshot::take) a snapshot: a read-only transaction, exported; every other session
//! [joins](Snapshot::join) it. All settings are local to that transaction, so they hold even where a connection pooler
//! hands the server's session to somebody else afterwards, and nothing has to be undone.
//!
//! It does not promise that the snapshot outlives the leader's transaction: the server forgets an exported snapshot
//! when the transaction that exported it ends. Sessions that have joined by then keep it.

use chrono::{DateTime, Utc};
use tokio_postgres::SimpleQueryMessage;

use super::{Session, pooler};
use crate::sql::{ident, literal};
use crate::{Error, Result};

/// The newest major version that pgstow's own tests run against.
pub const NEWEST_TESTED_MAJOR: u32 = 18;

/// What a dumping session is asked for beyond the usual.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// Wait for a snapshot free of serialisation anomalies (pg_dump's `--serializable-deferrable`).
    pub serializable_deferrable: bool,
    /// Use a snapshot somebody else exported (pg_dump's `--snapshot`) instead of a new one.
    pub existing: Option<String>,
    /// Act as this role after connecting (pg_dump's `--role`).
    pub role: Option<String>,
    /// The server's deparsing functions quote every identifier.
    pub quote_all_identifiers: bool,
    /// -15 to 3; 3 writes every float so that it reads back the same.
    pub extra_float_digits: i32,
    /// Let row security filter what is dumped instead of failing on it.
    pub enable_row_security: bool,
    /// Rows of foreign tables may be read; otherwise the server refuses (where it knows
    /// `restrict_nonsystem_relation_kind`, CVE-2024-7348).
    pub include_foreign_data: bool,
    /// Dump a server newer than [`NEWEST_TESTED_MAJOR`] all the same.
    pub allow_newer_server: bool,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        SnapshotOptions {
            serializable_deferrable: false,
            existing: None,
            role: None,
            quote_all_identifiers: false,
            extra_float_digits: 3,
            enable_row_security: false,
            include_foreign_data: false,
            allow_newer_server: false,
        }
    }
}

/// A snapshot that a leading session holds open, and what the server said about itself in it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What other sessions join by; `None` where it cannot be exported: then the leader is the only worker.
    pub id: Option<String>,
    /// Why there is no [`id`](Snapshot::id), as a sentence to be told.
    pub not_exported: Option<String>,
    /// The server's clock when the transaction began, so never later than the snapshot.
    pub time: DateTime<Utc>,
    /// The database's encoding, e.g. `UTF8`, `SQL_ASCII`.
    pub encoding: String,
    /// The server is a standby.
    pub in_recovery: bool,
    /// `standard_conforming_strings` of the dumping sessions, under which all server-made text was written.
    pub standard_conforming_strings: bool,
    options: SnapshotOptions,
}

impl Snapshot {
    /// Begins the transaction on `session`, which thereby becomes the leader, and exports its snapshot.
    ///
    /// Works on hot standbys too. A server newer than [`NEWEST_TESTED_MAJOR`] is refused unless the options allow it.
    pub async fn take(session: &Session, options: &SnapshotOptions) -> Result<Snapshot> {
        Snapshot::take_after(session, options, "").await
    }

    /// The same, but after statements that need no snapshot themselves, such as `LOCK TABLE`: what they lock cannot change
    /// between the snapshot and its lock.
    pub async fn take_after(session: &Session, options: &SnapshotOptions, first: &str) -> Result<Snapshot> {
        check_not_too_new(session.version, options.allow_newer_server)?;
        let pooler = pooler::in_the_way(session).await?;
        begin(session, options, options.existing.as_deref()).await?;
        run_first(session, first).await?;
        let (id, not_exported) = match &options.existing {
            // Another session might wait for ever for the one server connection that this transaction holds.
            _ if pooler.is_some() => (None, pooler.map(str::to_string)),
            Some(id) => (Some(id.clone()), None),
            None => match export(session).await? {
                Ok(id) => (Some(id), None),
                Err(reason) => {
                    // The failure ended the transaction, and an export is not possible below a savepoint.
                    session.client.batch_execute("ROLLBACK").await?;
                    begin(session, options, None).await?;
                    run_first(session, first).await?;
                    (None, Some(reason))
                }
            },
        };
        restrict_relations(session, options).await?;
        let row = session
            .client
            .query_one(
                "SELECT (extract(epoch FROM pg_catalog.now()) * 1000000)::pg_catalog.int8,
                        pg_catalog.pg_encoding_to_char(encoding)::pg_catalog.text,
                        pg_catalog.pg_is_in_recovery(),
                        pg_catalog.current_setting('standard_conforming_strings') = 'on'
                 FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
                &[],
            )
            .await?;
        let micros: i64 = row.get(0);
        let encoding: String = row.get(1);
        take_bytes(session, &encoding).await?;
        Ok(Snapshot {
            id,
            not_exported,
            time: DateTime::from_timestamp_micros(micros).ok_or_else(|| {
                Error::failed(format!(
                    "the server's clock is out of range: {micros} µs since 1970"
                ))
            })?,
            encoding,
            in_recovery: row.get(2),
            standard_conforming_strings: row.get(3),
            options: options.clone(),
        })
    }

    /// Makes `session` see exactly what the leader sees, under the same settings.
    ///
    /// It does not wait long for a lock. The leader holds one on every table; who wants to change a table waits for the
    /// leader, and a session that joined would wait behind them: for ever, because the leader waits for it, which the
    /// server cannot see. What it could not lock ([`is_out_of_turn`]) the leader can read.
    pub async fn join(&self, session: &Session) -> Result<()> {
        let Some(id) = &self.id else {
            let reason = self.not_exported.as_deref().unwrap_or("it was not exported");
            return Err(Error::failed(format!("the snapshot cannot be shared: {reason}")));
        };
        begin(session, &self.options, Some(id)).await?;
        session.client.batch_execute(LOCK_TIMEOUT).await?;
        take_bytes(session, &self.encoding).await?;
        restrict_relations(session, &self.options).await
    }
}

/// Makes a session read rows as those of a dump do, for as long as it lives and in transactions of its own.
pub async fn read_as_dumps_do(session: &Session, options: &SnapshotOptions) -> Result<()> {
    let told = |e| session.explain(e);
    let text = settings_text(session.version, options, "SESSION");
    session.client.batch_execute(&text).await.map_err(told)?;
    let query = "SELECT pg_catalog.set_config('client_encoding', 'SQL_ASCII', false) FROM pg_catalog.pg_database \
         WHERE datname = pg_catalog.current_database() AND pg_catalog.pg_encoding_to_char(encoding) = 'SQL_ASCII'";
    session.client.batch_execute(query).await.map_err(told)
}

/// How long a session that joined waits for a lock: longer than who gives up soon, shorter than anybody minds, even once
/// for each session that can be waiting.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";

/// Whether a session that [joined](Snapshot::join) could not have a lock, because somebody waits for the leader's.
pub fn is_out_of_turn(error: &Error) -> bool {
    error.server().is_some_and(|server| server.code == "55P03")
}

/// Refuses servers that no test has ever seen.
fn check_not_too_new(version: u32, allowed: bool) -> Result<()> {
    let major = version / 10_000;
    if major <= NEWEST_TESTED_MAJOR || allowed {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the server is PostgreSQL {major}, newer than {NEWEST_TESTED_MAJOR}, the newest this version of pgstow is tested \
         with: it may hold objects that this version does not know"
    ))
    .hint("use a newer pgstow, or --allow-newer-server (PGSTOW_ALLOW_NEWER_SERVER=1) and then test the backup with verify --test-restore"))
}

async fn begin(session: &Session, options: &SnapshotOptions, join: Option<&str>) -> Result<()> {
    let text = begin_text(session.version, options, join);
    session
        .client
        .batch_execute(&text)
        .await
        .map_err(|e| explain_begin(Error::from(e), join))
}

/// Runs what comes before the snapshot, with names in the bytes that the database has them in.
async fn run_first(session: &Session, statements: &str) -> Result<()> {
    if statements.is_empty() {
        return Ok(());
    }
    // SHOW, unlike a query, takes no snapshot.
    let shown = session.client.simple_query("SHOW server_encoding").await;
    let shown = shown.map_err(|e| session.explain(e))?;
    let encoding = shown.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    take_bytes(session, encoding.unwrap_or_default()).await?;
    let done = session.client.batch_execute(statements).await;
    done.map_err(|e| session.explain(e))
}

/// Makes a session take and give the bytes of a database without an encoding as they are: it may hold any, in rows and
/// in names, which the server would refuse to give as UTF-8. Text of the catalog copes with them
/// ([`escape`](crate::escape)).
async fn take_bytes(session: &Session, encoding: &str) -> Result<()> {
    if encoding != "SQL_ASCII" {
        return Ok(());
    }
    let set = "SET LOCAL client_encoding = 'SQL_ASCII'";
    session.client.batch_execute(set).await.map_err(Error::from)
}

/// The transaction's opening. No statement here may take a snapshot before `SET TRANSACTION SNAPSHOT` has chosen one,
/// so `set_config()` will not do.
fn begin_text(version: u32, options: &SnapshotOptions, join: Option<&str>) -> String {
    // A session on a given snapshot inherits its safety; asking for a safe one again would be refused.
    let mode = if options.serializable_deferrable && join.is_none() {
        "SERIALIZABLE READ ONLY DEFERRABLE"
    } else {
        "REPEATABLE READ READ ONLY"
    };
    let mut text = format!("BEGIN ISOLATION LEVEL {mode};\n");
    if let Some(id) = join {
        text.push_str(&format!("SET TRANSACTION SNAPSHOT {};\n", literal(id)));
    }
    text + &settings_text(version, options, "LOCAL")
}

/// The settings under which all rows are read; `scope` is what they hold for, `LOCAL` or `SESSION`.
fn settings_text(version: u32, options: &SnapshotOptions, scope: &str) -> String {
    let digits = options.extra_float_digits.to_string();
    let on_off = |on: bool| if on { "on" } else { "off" };
    let settings = [
        // Nothing but pg_catalog is found without its schema, so every name the server prints is complete.
        ("search_path", "''"),
        ("standard_conforming_strings", "on"),
        // One text for one value, whatever the role, the database or postgresql.conf prefer.
        ("datestyle", "ISO"),
        ("intervalstyle", "postgres"),
        ("timezone", "'UTC'"),
        ("bytea_output", "hex"),
        ("extra_float_digits", &digits),
        ("quote_all_identifiers", on_off(options.quote_all_identifiers)),
        // One order of rows: scans start at the first page and are never spread over processes.
        ("synchronize_seqscans", "off"),
        ("max_parallel_workers_per_gather", "0"),
        // A catalog query is over before its machine code would be ready.
        ("jit", "off"),
        ("row_security", on_off(options.enable_row_security)),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("client_min_messages", "warning"),
    ];
    let mut text = String::new();
    for (name, value) in settings {
        text.push_str(&format!("SET {scope} {name} = {value};\n"));
    }
    if version >= 170_000 {
        text.push_str(&format!("SET {scope} transaction_timeout = 0;\n"));
    }
    if let Some(role) = &options.role {
        text.push_str(&format!("SET {scope} ROLE {};\n", ident(role)));
    }
    text
}

/// Says what may be behind a refused opening.
fn explain_begin(error: Error, join: Option<&str>) -> Error {
    let (code, message) = error.server().map_or((String::new(), String::new()), |s| {
        (s.code.clone(), s.message.clone())
    });
    let snapshot = message.contains("snapshot");
    match (join, code.as_str()) {
        (Some(id), "22023" | "42704" | "55000") if snapshot => error
            .context(format!("cannot join snapshot {id}"))
            .hint("a snapshot lives as long as the transaction that exported it, on the same server and database"),
        (_, "08P01") if message.contains("pooling mode") => error
            .context("cannot begin the dump's transaction")
            .hint("connect to the server itself, or have the pooler use transaction or session mode"),
        (_, "0A000") if message.contains("hot standby") || message.contains("recovery") => error
            .context("cannot begin the dump's transaction")
            .hint("a standby has no serializable transactions; leave out --serializable-deferrable there"),
        _ => error.context("cannot begin the dump's transaction"),
    }
}

/// The inner error is the reason why this server will not export; the outer one ends the dump.
async fn export(session: &Session) -> Result<Result<String, String>> {
    match session
        .client
        .query_one("SELECT pg_catalog.pg_export_snapshot()", &[])
        .await
    {
        Ok(row) => Ok(Ok(row.get(0))),
        Err(e) => match e.as_db_error() {
            // Lost connections, shutdowns and exhausted resources are no property of the server.
            Some(db)
                if !["08", "53", "57", "58", "XX"]
                    .iter()
                    .any(|class| db.code().code().starts_with(class)) =>
            {
                Ok(Err(format!(
                    "the server does not export its snapshot ({}), so one connection reads everything",
                    db.message()
                )))
            }
            _ => Err(Error::from(e).context("exporting the snapshot")),
        },
    }
}

/// Keeps a hostile view or foreign table, swapped in for a table while the dump runs, from running code in this session
/// (CVE-2024-7348). The setting came with minor releases, so the server is asked whether it knows it.
async fn restrict_relations(session: &Session, options: &SnapshotOptions) -> Result<()> {
    let kinds = if options.include_foreign_data {
        "view"
    } else {
        "view, foreign-table"
    };
    session
        .client
        .batch_execute(&format!(
            "SELECT pg_catalog.set_config(name, {}, true) FROM pg_catalog.pg_settings
             WHERE name = 'restrict_nonsystem_relation_kind'",
            literal(kinds)
        ))
        .await
        .map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_newer_than_the_newest_tested_is_refused_unless_allowed() {
        assert!(check_not_too_new(180_004, false).is_ok());
        let error = check_not_too_new(190_000, false).unwrap_err();
        assert!(error.message().contains("PostgreSQL 19"), "{error}");
        assert!(error.hint_text().unwrap().contains("--allow-newer-server"));
        assert!(check_not_too_new(190_000, true).is_ok());
    }

    #[test]
    fn nothing_precedes_the_choice_of_the_snapshot() {
        let options = SnapshotOptions {
            serializable_deferrable: true,
            role: Some("Back Up".into()),
            ..SnapshotOptions::default()
        };
        let text = begin_text(170_000, &options, Some("00000003-0000001B-1"));
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
        );
        assert_eq!(
            lines.next(),
            Some("SET TRANSACTION SNAPSHOT '00000003-0000001B-1';")
        );
        assert!(text.contains("SET LOCAL ROLE \"Back Up\";"));
        assert!(text.contains("transaction_timeout"));
        assert!(!begin_text(160_000, &options, None).contains("transaction_timeout"));
        assert!(
            begin_text(160_000, &options, None)
                .starts_with("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;")
        );
    }
}
