//! What would make a restore fail, found before anything is changed and told all at once.
//!
//! Looked at are the session and what the script [needs](Needs). What a script without an index has after its first rows
//! fails on its own, and is rolled back.

use std::collections::BTreeSet;

use tokio_postgres::types::ToSql;

use super::gate::{TABLESPACE, TABLESPACE_HINT};
use super::needs::Needs;
use super::roles::{MissingRoles, Roles, named};
use super::{Options, exchange};
use crate::connect::Session;
use crate::finding::Finding;
use crate::{Result, human};

/// Where a restore would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Into the session's database, in one transaction.
    Here,
    /// Into a database made for it, like the session's.
    Beside,
    /// The same, and it then takes the name of the session's.
    Swap,
}

const FACTS: &str = "
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only') = 'on',
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
    pg_catalog.current_database()::text, current_user::text,
    pg_catalog.current_setting('server_encoding'),
    pg_catalog.current_setting('max_locks_per_transaction')::bigint,
    pg_catalog.current_setting('max_connections')::bigint
        + pg_catalog.current_setting('max_prepared_transactions')::bigint,
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database()
        AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'),
    (SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
    pg_catalog.inet_server_addr() IS NULL OR pg_catalog.inet_server_addr() <<= '127.0.0.0/8' OR pg_catalog.inet_server_addr() = '::1',
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory')";

/// What the server says of itself.
struct Facts {
    standby: bool,
    read_only: bool,
    may_create: bool,
    dbname: String,
    user: String,
    encoding: String,
    locks_each: u64,
    sessions: u64,
    others: u64,
    may_create_databases: bool,
    local: bool,
    data_directory: Option<String>,
}

impl Facts {
    async fn read(session: &Session) -> Result<Facts> {
        let row = session.client.query_one(FACTS, &[]).await;
        let row = row.map_err(|e| session.explain(e))?;
        let number = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
        Ok(Facts {
            standby: row.get(0),
            read_only: row.get(1),
            may_create: row.get(2),
            dbname: row.get(3),
            user: row.get(4),
            encoding: row.get(5),
            locks_each: number(6),
            sessions: number(7),
            others: number(8),
            may_create_databases: row.get(9),
            local: row.get(10),
            data_directory: row.get(11),
        })
    }
}

/// Looks at everything that a restore needs; where the script is not known, at what any needs. Nothing is changed.
pub async fn examine(
    session: &Session,
    script: Option<&Needs>,
    options: &Options,
    target: Target,
) -> Result<Vec<Finding>> {
    let facts = Facts::read(session).await?;
    let nothing = Needs::default();
    let needs = script.unwrap_or(&nothing);
    let mut findings = writes(&facts, target);
    findings.push(version(session, needs));
    findings.push(encoding(session, &facts, needs).await?);
    if script.is_some() {
        findings.extend(of_script(session, &facts, needs, options, target).await?);
    }
    if target == Target::Swap {
        findings.extend(exchange::examine(session).await?);
        findings.extend(lost_privileges(session, needs).await?);
    }
    if facts.others > 0 && target == Target::Here {
        let others = human::number_of(facts.others, "other session");
        findings.push(
            Finding::warning(
                "other sessions",
                format!(
                    "database {:?} has {others}: the restore waits for what they have locked",
                    facts.dbname
                ),
            )
            .hint("Stop what uses the database, or restore beside it with --swap."),
        );
    }
    Ok(findings)
}

/// What only a script can tell that it needs.
async fn of_script(
    session: &Session,
    facts: &Facts,
    needs: &Needs,
    options: &Options,
    target: Target,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    findings.push(extensions(session, needs).await?);
    findings.push(missing_roles(session, needs, options.missing_roles).await?);
    if needs.tablespaces && !options.create {
        findings.push(Finding::failed("tablespaces", TABLESPACE).hint(TABLESPACE_HINT));
    }
    // Several connections commit as they go.
    if target == Target::Here || options.jobs < 2 || needs.from_server.is_none() {
        let dropped = match target {
            Target::Here => dropped(session, needs).await?,
            Target::Beside | Target::Swap => 0,
        };
        findings.push(locks(facts, needs, dropped));
    }
    findings.extend(disk(facts, needs));
    Ok(findings)
}

fn writes(facts: &Facts, target: Target) -> Vec<Finding> {
    let (dbname, user) = (&facts.dbname, &facts.user);
    let mut findings = Vec::new();
    if facts.standby {
        findings.push(
            Finding::failed("writes", "the server is a standby, which takes no writes")
                .hint("Restore into its primary."),
        );
    } else if facts.read_only {
        findings.push(
            Finding::failed(
                "writes",
                format!("database {dbname:?} is set to be read only for role {user:?}"),
            )
            .hint("Set default_transaction_read_only to off for the restore."),
        );
    }
    match target {
        Target::Here if !facts.may_create => findings.push(
            Finding::failed(
                "privileges",
                format!("role {user:?} may create nothing in database {dbname:?}"),
            )
            .hint("Restore as the owner of the database, or GRANT CREATE on it."),
        ),
        Target::Beside | Target::Swap if !facts.may_create_databases => findings.push(
            Finding::failed("privileges", format!("role {user:?} may create no databases"))
                .hint("ALTER ROLE ... CREATEDB, or restore as another role."),
        ),
        _ => {}
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "writes",
            match target {
                Target::Here => format!("role {user:?} may create in database {dbname:?}"),
                Target::Beside | Target::Swap => format!("role {user:?} may create databases"),
            },
        ));
    }
    findings
}

fn version(session: &Session, needs: &Needs) -> Finding {
    let here = &session.version_text;
    match &needs.from_server {
        Some((number, there)) if number / 10_000 > session.version / 10_000 => Finding::warning(
            "version",
            format!(
                "the backup comes from PostgreSQL {there}, this server is the older {here}: what is new there may fail \
                 here"
            ),
        ),
        Some((_, there)) => Finding::ok("version", format!("PostgreSQL {here}, the backup is of {there}")),
        None => Finding::ok("version", format!("PostgreSQL {here}")),
    }
}

async fn encoding(session: &Session, facts: &Facts, needs: &Needs) -> Result<Finding> {
    let here = &facts.encoding;
    let Some(there) = &needs.encoding else {
        return Ok(Finding::ok("encoding", format!("the database's is {here}")));
    };
    let query = "SELECT pg_catalog.pg_char_to_encoding($1::text::name) = pg_catalog.pg_char_to_encoding($2::text::name), \
         EXISTS (SELECT FROM pg_catalog.pg_conversion WHERE condefault \
            AND conforencoding = pg_catalog.pg_char_to_encoding($1::text::name) \
            AND contoencoding = pg_catalog.pg_char_to_encoding($2::text::name))";
    let parameters: [&(dyn ToSql + Sync); 2] = [there, here];
    let row = session.client.query_one(query, &parameters).await;
    let row = row.map_err(|e| session.explain(e))?;
    let (same, converts): (bool, bool) = (row.get(0), row.get(1));
    let ascii = |name: &str| name.eq_ignore_ascii_case("SQL_ASCII");
    Ok(match (same, converts) {
        (true, _) => Finding::ok("encoding", format!("the script and the database are in {here}")),
        (false, _) if ascii(here) || ascii(there) => Finding::warning(
            "encoding",
            format!("the script is in {there}, the database in {here}: bytes are taken as they are"),
        ),
        (false, true) => Finding::warning(
            "encoding",
            format!(
                "the script is in {there}, the database in {here}: letters that {here} does not have make the restore \
                 fail"
            ),
        ),
        (false, false) => Finding::failed(
            "encoding",
            format!("the script is in {there}, which the server cannot turn into the database's {here}"),
        )
        .hint(format!(
            "Create the database with ENCODING '{there}' TEMPLATE template0."
        )),
    })
}

async fn extensions(session: &Session, needs: &Needs) -> Result<Finding> {
    let query = "SELECT name::text FROM pg_catalog.pg_available_extensions";
    let rows = session.client.query(query, &[]).await;
    let rows = rows.map_err(|e| session.explain(e))?;
    let available: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let lacking: Vec<_> = needs
        .extensions
        .difference(&available)
        .map(String::as_str)
        .collect();
    Ok(match lacking.is_empty() {
        true => Finding::ok(
            "extensions",
            format!(
                "{} needed, all there",
                human::count(needs.extensions.len() as u64)
            ),
        ),
        false => Finding::failed(
            "extensions",
            format!("the server does not have the extensions {}", lacking.join(", ")),
        )
        .hint("Install them on the server's machine, then restore again."),
    })
}

async fn missing_roles(session: &Session, needs: &Needs, what_to_do: MissingRoles) -> Result<Finding> {
    let roles = roles(session).await?;
    let missing: BTreeSet<Vec<u8>> = needs
        .role_statements
        .iter()
        .flat_map(|text| roles.missing(text))
        .collect();
    if missing.is_empty() || needs.makes_roles {
        return Ok(Finding::ok("roles", "all that the script names are there"));
    }
    let names: Vec<_> = missing.iter().map(|name| String::from_utf8_lossy(name)).collect();
    let names = format!("the server does not have the roles {}", names.join(", "));
    Ok(match what_to_do {
        MissingRoles::Fail => Finding::failed("roles", names).hint(
            "Create them, or say --missing-roles skip (objects then belong to you) or --missing-roles create, or use a \
             backup without owners and privileges.",
        ),
        MissingRoles::Skip => Finding::warning("roles", format!("{names}: what they own or may do is left out")),
        MissingRoles::Create => Finding::warning("roles", format!("{names}: they are created")),
    })
}

/// Roles without which a database's users are not as they were: those that own what is in it, or may use it, but for the
/// present one, its like and those that may do everything.
const USERS: &str = "
WITH owned AS (
    SELECT relowner AS owner, relacl AS acl FROM pg_catalog.pg_class WHERE oid >= 16384
    UNION ALL SELECT nspowner, nspacl FROM pg_catalog.pg_namespace WHERE oid >= 16384 OR nspname = 'public'
    UNION ALL SELECT proowner, proacl FROM pg_catalog.pg_proc WHERE oid >= 16384
    UNION ALL SELECT typowner, typacl FROM pg_catalog.pg_type WHERE oid >= 16384
    UNION ALL SELECT defaclrole, defaclacl FROM pg_catalog.pg_default_acl),
named AS (
    SELECT owner AS role FROM owned
    UNION SELECT a.grantee FROM owned, pg_catalog.aclexplode(acl) a)
SELECT r.rolname::text FROM named JOIN pg_catalog.pg_roles r ON r.oid = named.role
WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND r.rolname <> current_user ORDER BY 1";

/// Roles that own or may use something in the live database, of which the backup says nothing. Of a script without an
/// index the end is not known, which is where privileges stand.
async fn lost_privileges(session: &Session, needs: &Needs) -> Result<Option<Finding>> {
    if needs.from_server.is_none() {
        return Ok(None);
    }
    let given: BTreeSet<Vec<u8>> = needs
        .role_statements
        .iter()
        .flat_map(|text| named(text))
        .collect();
    let rows = session.client.query(USERS, &[]).await;
    let rows = rows.map_err(|e| session.explain(e))?;
    let lost: Vec<String> = rows
        .iter()
        .map(|row| row.get::<_, String>(0))
        .filter(|name| !given.contains(name.as_bytes()))
        .map(|name| format!("{name:?}"))
        .collect();
    Ok((!lost.is_empty()).then(|| {
        let found = format!(
            "what is in the database belongs to or may be used by {}, to whom the backup gives nothing: after the \
             exchange they may not use what was theirs",
            lost.join(", ")
        );
        Finding::warning("privileges", found).hint(
            "Restore as the role that is to own it, or GRANT again after the restore; backups made with --owners and \
             --privileges (BACKUP_OWNERS, BACKUP_PRIVILEGES) keep both.",
        )
    }))
}

/// The server's lock table holds so much more than the settings say.
const SLACK: f64 = 1.1;

/// The locks that dropping relations takes: each with its types, its long values' table and index, and what belongs to
/// it, which is locked one by one.
const DROPPED: &str = "
WITH named AS (
    SELECT c.oid, c.reltype, c.reltoastrelid FROM unnest($1::text[], $2::text[]) AS d (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = d.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.name)
SELECT (SELECT pg_catalog.count(*) FROM named)
    + 2 * (SELECT pg_catalog.count(*) FROM named WHERE reltoastrelid <> 0)
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_type WHERE typrelid IN (SELECT oid FROM named)
        OR typelem IN (SELECT reltype FROM named WHERE reltype <> 0))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attrdef WHERE adrelid IN (SELECT oid FROM named))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint WHERE conrelid IN (SELECT oid FROM named))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger WHERE tgrelid IN (SELECT oid FROM named))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_rewrite WHERE ev_class IN (SELECT oid FROM named))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_policy WHERE polrelid IN (SELECT oid FROM named))
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_statistic_ext WHERE stxrelid IN (SELECT oid FROM named))";

/// Locks that the drops of a script take of what is there.
async fn dropped(session: &Session, needs: &Needs) -> Result<u64> {
    if needs.dropped.is_empty() {
        return Ok(0);
    }
    let (schemas, names): (Vec<&str>, Vec<&str>) = needs
        .dropped
        .iter()
        .map(|(schema, name)| (schema.as_str(), name.as_str()))
        .unzip();
    let row = session.client.query_one(DROPPED, &[&schemas, &names]).await;
    let row = row.map_err(|e| session.explain(e))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

/// Whether the objects that one transaction drops and makes fit into the lock table.
fn locks(facts: &Facts, needs: &Needs, dropped: u64) -> Finding {
    let room = facts.locks_each * facts.sessions;
    // Long values of a table are in a table of their own, with an index; not every table has one.
    let least = needs.relations + dropped;
    let most = least + 2 * needs.tables + needs.others;
    let enough = most.div_ceil(facts.sessions.max(1)).max(64);
    let say = |how: &str| {
        let does = if dropped > 0 { "drops and makes" } else { "makes" };
        format!(
            "one transaction {does} {} to {} objects, and the lock table has {how} {}",
            human::count(least),
            human::count(most),
            human::count(room)
        )
    };
    let hint = format!(
        "Set max_locks_per_transaction to {enough} or more (it is {}) and restart the server; or restore with --swap, \
         which needs few locks.",
        facts.locks_each
    );
    if least as f64 > room as f64 * SLACK {
        Finding::failed("locks", say("only room for")).hint(hint)
    } else if most > room {
        Finding::warning("locks", say("room for about")).hint(hint)
    } else {
        Finding::ok("locks", say("room for"))
    }
}

/// Room on the server's disk, where that is this machine's.
fn disk(facts: &Facts, needs: &Needs) -> Option<Finding> {
    let directory = facts.data_directory.as_ref().filter(|_| facts.local)?;
    let stat = rustix::fs::statvfs(directory.as_str()).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    // Rows become pages, with indexes and the log beside them: about twice their text.
    let wanted = needs.bytes.saturating_mul(2);
    let found = format!(
        "{} free in {directory}, about {} needed",
        human::bytes(free),
        human::bytes(wanted)
    );
    Some(match free < wanted {
        true => Finding::warning("disk", found).hint("Make room on the server's disk first."),
        false => Finding::ok("disk", found),
    })
}

/// The roles that the server has.
pub(super) async fn roles(session: &Session) -> Result<Roles> {
    let rows = session
        .client
        .query(
            "SELECT rolname::text, oid = 10 OR rolname IN (current_user, session_user) FROM pg_catalog.pg_roles",
            &[],
        )
        .await;
    let rows = rows.map_err(|e| session.explain(e))?;
    Ok(Roles::new(rows.iter().map(|row| (row.get(0), row.get(1)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_locks_of_many_objects_are_reckoned_with_what_must_be_set() {
        let facts = Facts {
            standby: false,
            read_only: false,
            may_create: true,
            dbname: String::new(),
            user: String::new(),
            encoding: String::new(),
            locks_each: 64,
            sessions: 100,
            others: 0,
            may_create_databases: true,
            local: false,
            data_directory: None,
        };
        let of = |relations: u64| Needs {
            relations,
            tables: relations / 2,
            ..Needs::default()
        };
        assert_eq!(locks(&facts, &of(3_000), 0).status, Status::Ok);
        assert_eq!(locks(&facts, &of(3_000), 3_000).status, Status::Warning);
        assert_eq!(locks(&facts, &of(6_000), 0).status, Status::Warning);
        let failed = locks(&facts, &of(20_000), 0);
        assert_eq!(failed.status, Status::Failed);
        assert!(failed.hint.unwrap().contains("max_locks_per_transaction to 400"));
    }
}
