//! The server's side of a backup.

use tokio_postgres::types::ToSql;

use super::Request;
use crate::connect::{NEWEST_TESTED_MAJOR, Session, Snapshot, connect};
use crate::finding::Finding;
use crate::{Result, catalog, human, plan};

/// Relations of users whose rows a dump reads: not those of extensions, unless they are its configuration.
const OF_USERS: &str = "
    n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND (NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid = c.oid AND d.deptype = 'e')
        OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))";

/// Looks at the server as a backup would see it. Gives the database's size in bytes.
pub(super) async fn findings(
    session: &Session,
    request: &Request<'_>,
    findings: &mut Vec<Finding>,
) -> Result<u64> {
    let of = Looking { session };
    findings.push(of.connection(request).await?);
    findings.push(version(session, request));
    findings.push(of.standby().await?);
    findings.push(of.relations("tables", "'r', 'p'").await?);
    findings.push(of.relations("sequences", "'S'").await?);
    findings.push(of.schemas().await?);
    findings.push(of.large_objects().await?);
    findings.push(of.row_security().await?);
    findings.push(of.locks_held().await?);
    findings.push(of.lock_table().await?);
    findings.push(of.connections(request.jobs).await?);
    findings.push(of.timeouts().await?);
    findings.extend(of.try_it(request).await);
    let size: i64 = of
        .one("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())")
        .await?
        .get(0);
    Ok(u64::try_from(size).unwrap_or(0))
}

/// Whether a test restore or a swap could make its database.
pub(super) async fn may_create_databases(session: &Session) -> Result<Finding> {
    let of = Looking { session };
    let row = of
        .one("SELECT rolcreatedb OR rolsuper, rolname::text FROM pg_catalog.pg_roles WHERE rolname = current_user")
        .await?;
    let (may, user): (bool, String) = (row.get(0), row.get(1));
    Ok(match may {
        true => Finding::ok("databases", format!("role {user:?} may create databases")),
        false => Finding::warning(
            "databases",
            format!(
                "role {user:?} may create no databases, which test restores, --swap and --target-db need"
            ),
        )
        .hint("ALTER ROLE ... CREATEDB, or another role for these."),
    })
}

fn version(session: &Session, request: &Request<'_>) -> Finding {
    let text = format!("PostgreSQL {}", session.version_text);
    let newer = session.version / 10_000 > NEWEST_TESTED_MAJOR;
    match (newer, request.snapshot.allow_newer_server) {
        (false, _) => Finding::ok("version", text),
        (true, true) => Finding::warning(
            "version",
            format!("{text} is newer than {NEWEST_TESTED_MAJOR}, the newest this version is tested with"),
        ),
        (true, false) => Finding::failed(
            "version",
            format!("{text} is newer than {NEWEST_TESTED_MAJOR}, the newest this version is tested with"),
        )
        .hint("Use a newer pgstow, or --allow-newer-server."),
    }
}

/// A session to ask.
struct Looking<'a> {
    session: &'a Session,
}

impl Looking<'_> {
    async fn one(&self, query: &str) -> Result<tokio_postgres::Row> {
        let row = self.session.client.query_one(query, &[]).await;
        row.map_err(|e| self.session.explain(e))
    }

    /// The number of rows that a query of names gives, and the first few.
    async fn names(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Names> {
        let rows = self.session.client.query(query, parameters).await;
        let rows = rows.map_err(|e| self.session.explain(e))?;
        Ok(Names(rows.iter().map(|row| row.get(0)).collect()))
    }

    async fn connection(&self, request: &Request<'_>) -> Result<Finding> {
        let user: String = self.one("SELECT current_user::text").await?.get(0);
        let encrypted = match self.session.is_encrypted() {
            true => "with TLS",
            false => "without TLS",
        };
        Ok(Finding::ok(
            "connection",
            format!(
                "database {:?} at {} as {user:?}, {encrypted}",
                request.settings.dbname(),
                self.session.host_text()
            ),
        ))
    }

    async fn standby(&self) -> Result<Finding> {
        let row = self
            .one(
                "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('max_standby_streaming_delay'), \
                 pg_catalog.current_setting('hot_standby_feedback') = 'on', \
                 (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relpersistence = 'u' AND relkind = 'r')",
            )
            .await?;
        let (standby, delay, feedback, unlogged): (bool, String, bool, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        Ok(match (standby, unlogged) {
            (false, _) => Finding::ok("standby", "the server is a primary"),
            (true, 1..) => Finding::failed(
                "standby",
                format!("the server is a standby, where {unlogged} unlogged tables cannot be read"),
            )
            .hint("Back up from the primary."),
            (true, _) if delay != "-1" && !feedback => Finding::warning(
                "standby",
                format!("the server is a standby, which may cancel a dump after {delay} of conflict"),
            )
            .hint("Set hot_standby_feedback = on, or max_standby_streaming_delay = -1, on the standby."),
            (true, _) => Finding::ok("standby", "the server is a standby that does not cancel dumps"),
        })
    }

    async fn relations(&self, check: &'static str, kinds: &str) -> Result<Finding> {
        let from = format!(
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ({kinds}) AND c.relpersistence <> 't' AND {OF_USERS}"
        );
        let query = format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) {from} AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
        );
        let refused = self.names(&query, &[]).await?;
        let all: i64 = self
            .one(&format!("SELECT pg_catalog.count(*) {from}"))
            .await?
            .get(0);
        Ok(match refused.0.is_empty() {
            true => Finding::ok(
                check,
                format!(
                    "all {} can be read",
                    human::count(u64::try_from(all).unwrap_or(0))
                ),
            ),
            false => Finding::failed(check, format!("SELECT is not granted on {refused}"))
                .hint("GRANT pg_read_all_data TO the role (PostgreSQL 14 and newer), or SELECT on each."),
        })
    }

    async fn schemas(&self) -> Result<Finding> {
        let query = "SELECT DISTINCT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n \
            JOIN pg_catalog.pg_class c ON n.oid = c.relnamespace \
            WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'S') \
            AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1";
        let refused = self.names(query, &[]).await?;
        Ok(match refused.0.is_empty() {
            true => Finding::ok("schemas", "all can be entered"),
            false => Finding::failed("schemas", format!("USAGE is not granted on {refused}"))
                .hint("GRANT USAGE ON SCHEMA ... TO the role."),
        })
    }

    /// Who may read a large object's contents: its owner, whoever has been granted it, superusers and from 14 on
    /// members of pg_read_all_data only by such a grant.
    async fn large_objects(&self) -> Result<Finding> {
        let query = "SELECT l.oid::text FROM pg_catalog.pg_largeobject_metadata l \
            WHERE NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) \
            AND NOT pg_catalog.pg_has_role(l.lomowner, 'USAGE') AND NOT EXISTS (\
                SELECT FROM pg_catalog.aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT' \
                AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE'))) \
            AND pg_catalog.current_setting('lo_compat_privileges') = 'off' ORDER BY l.oid";
        let refused = self.names(query, &[]).await?;
        let all: i64 = self
            .one("SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata")
            .await?
            .get(0);
        Ok(match refused.0.is_empty() {
            true => Finding::ok(
                "large objects",
                format!(
                    "all {} can be read",
                    human::count(u64::try_from(all).unwrap_or(0))
                ),
            ),
            false => Finding::failed("large objects", format!("SELECT is not granted on {refused}"))
                .hint("GRANT SELECT ON LARGE OBJECT ... TO the role, or back up as their owner."),
        })
    }

    async fn row_security(&self) -> Result<Finding> {
        let query = format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND {OF_USERS} \
             AND pg_catalog.row_security_active(c.oid) ORDER BY 1"
        );
        let filtered = self.names(&query, &[]).await?;
        Ok(match filtered.0.is_empty() {
            true => Finding::ok("row security", "hides nothing from the role"),
            false => Finding::failed(
                "row security",
                format!("would hide rows of {filtered} from the role"),
            )
            .hint("ALTER ROLE ... BYPASSRLS, or back up as the tables' owner."),
        })
    }

    /// Locks that a dump would wait for.
    async fn locks_held(&self) -> Result<Finding> {
        let query = "SELECT DISTINCT pg_catalog.format('%s (process %s, %s)', l.relation::pg_catalog.regclass, l.pid, \
                pg_catalog.coalesce(a.state, 'unknown')) \
            FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
            JOIN pg_catalog.pg_class c ON c.oid = l.relation \
            WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND c.relkind IN ('r', 'p') \
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
            ORDER BY 1"
            .replace("pg_catalog.coalesce", "coalesce");
        let held = self.names(&query, &[]).await?;
        Ok(match held.0.is_empty() {
            true => Finding::ok("locks held", "none that a backup would wait for"),
            false => Finding::warning("locks held", format!("a backup would wait for {held}")),
        })
    }

    /// A dump locks every table at once.
    async fn lock_table(&self) -> Result<Finding> {
        let row = self
            .one(
                "SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint, \
                 pg_catalog.current_setting('max_connections')::bigint \
                    + pg_catalog.current_setting('max_prepared_transactions')::bigint, \
                 (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384)",
            )
            .await?;
        let (each, sessions, tables): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        let room = each * sessions;
        let text = format!("a backup locks {tables} tables, and the lock table has room for about {room}");
        Ok(match (tables > room, tables * 2 > room) {
            (true, _) => Finding::failed("lock table", text).hint(format!(
                "Set max_locks_per_transaction to {} or more (it is {each}) and restart the server.",
                (tables / sessions.max(1) + 1).max(64) * 2
            )),
            (_, true) => Finding::warning("lock table", text).hint(format!(
                "Raise max_locks_per_transaction (it is {each}) before there are more."
            )),
            _ => Finding::ok("lock table", text),
        })
    }

    async fn connections(&self, jobs: usize) -> Result<Finding> {
        let row = self
            .one(
                "SELECT pg_catalog.current_setting('max_connections')::bigint \
                    - CASE WHEN r.rolsuper THEN 0 \
                      ELSE pg_catalog.current_setting('superuser_reserved_connections')::bigint END \
                    - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'), \
                 d.datconnlimit::bigint - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid), \
                 d.datconnlimit >= 0 AND NOT r.rolsuper, \
                 r.rolconnlimit::bigint - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid), \
                 r.rolconnlimit >= 0 AND NOT r.rolsuper \
                 FROM pg_catalog.pg_database d, pg_catalog.pg_roles r \
                 WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user",
            )
            .await?;
        let limits = [
            Some(row.get::<_, i64>(0)),
            row.get::<_, bool>(2).then(|| row.get(1)),
            row.get::<_, bool>(4).then(|| row.get(3)),
        ];
        // This session is one of the backup's.
        let free = limits.into_iter().flatten().min().unwrap_or(0) + 1;
        let wanted = jobs as i64 + 1;
        let text = format!("{} free, a backup uses {wanted}", free.max(0));
        Ok(match free {
            ..2 => Finding::failed("connections", text)
                .hint("Raise the limit that is reached, or stop what uses them."),
            _ if free < wanted => Finding::warning("connections", text).hint("Back up with fewer --jobs."),
            _ => Finding::ok("connections", text),
        })
    }

    /// Timeouts of the session are switched off for a backup; these cannot be.
    async fn timeouts(&self) -> Result<Finding> {
        let query = "SELECT pg_catalog.format('%s = %s%s', name, setting, unit) FROM pg_catalog.pg_settings \
            WHERE (name = 'old_snapshot_threshold' AND setting <> '-1') \
            OR (name = 'tcp_user_timeout' AND setting <> '0' AND setting::bigint < 30000) ORDER BY 1";
        let limits = self.names(query, &[]).await?;
        Ok(match limits.0.is_empty() {
            true => Finding::ok(
                "timeouts",
                "those of the session are switched off for a backup, and there are no others",
            ),
            false => Finding::warning("timeouts", format!("may end a long backup: {limits}")),
        })
    }

    /// Everything a backup does before the first row, in a session of its own.
    async fn try_it(&self, request: &Request<'_>) -> Vec<Finding> {
        let session = match connect(request.settings).await {
            Ok(session) => session,
            Err(e) => return vec![Finding::of_error("snapshot", &e)],
        };
        let snapshot = match Snapshot::take(&session, &request.snapshot).await {
            Ok(snapshot) => snapshot,
            Err(e) => return vec![Finding::of_error("snapshot", &e)],
        };
        let shared = match &snapshot.not_exported {
            None => Finding::ok("snapshot", "can be shared by several connections"),
            Some(why) => Finding::warning("snapshot", why),
        };
        vec![shared, read_catalog(&session).await]
    }
}

async fn read_catalog(session: &Session) -> Finding {
    let check = "catalog";
    // Somebody's lock has been told of; it is not waited for.
    let limited = session
        .client
        .batch_execute("SET LOCAL lock_timeout = '3s'")
        .await;
    if let Err(e) = limited {
        return Finding::of_error(check, &session.explain(e));
    }
    let planned = async {
        let loaded = catalog::load(session).await?;
        let objects = loaded.objects.len() as u64;
        let plan = plan::build(loaded, &plan::Options::default(), &catalog::Choice::all())?;
        Ok((objects, plan.warnings))
    };
    match planned.await {
        Ok((objects, warnings)) if warnings.is_empty() => Finding::ok(
            check,
            format!("{} read and understood", human::number_of(objects, "object")),
        ),
        Ok((_, warnings)) => Finding::warning(check, warnings.join("; ")),
        Err(e) => Finding::of_error(check, &e),
    }
}

/// Names, of which the first few are told.
struct Names(Vec<String>);

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 5;
        f.write_str(&self.0[..self.0.len().min(SHOWN)].join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
