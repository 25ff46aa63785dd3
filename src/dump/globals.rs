//! What belongs to a whole server and to no database: roles, their settings and memberships, privileges on
//! configuration parameters, tablespaces. What `pg_dumpall --globals-only` writes, with one difference: a role that
//! exists already is altered and is no error.

use std::collections::HashSet;
use std::io::Write;

use chrono::SecondsFormat;
use tokio_postgres::SimpleQueryMessage;

use crate::archive::{Compression, Digest, FORMAT_VERSION, Header, Member, Summary, Writer, checked_encoder};
use crate::catalog::settings::assignment;
use crate::connect::{Session, Settings, Snapshot, SnapshotOptions, connect};
use crate::sql::{comment_text, ident, script_literal};
use crate::{Error, Result};

const BEGINNING: &str = "--\n-- PostgreSQL database cluster dump\n--\n\n\
    SET default_transaction_read_only = off;\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n";

/// Reserved names belong to the server itself.
const ROLES: &str =
    "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
       rolbypassrls, rolconnlimit, rolpassword, rolvaliduntil, pg_catalog.shobj_description(oid, 'pg_authid')
  FROM pg_catalog.pg_authid WHERE rolname !~ '^pg_' ORDER BY rolname";

const ROLE_SETTINGS: &str = "SELECT coalesce(r.rolname, ''), s.setting
  FROM pg_catalog.pg_db_role_setting d LEFT JOIN pg_catalog.pg_authid r ON r.oid = d.setrole,
       unnest(d.setconfig) WITH ORDINALITY AS s (setting, number)
 WHERE d.setdatabase = 0 ORDER BY 1, s.number";

const MEMBERSHIPS: &str = "SELECT r.rolname, m.rolname, g.rolname, a.admin_option, {options}, g.oid = 10
  FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_authid r ON r.oid = a.roleid
  JOIN pg_catalog.pg_authid m ON m.oid = a.member LEFT JOIN pg_catalog.pg_authid g ON g.oid = a.grantor
 WHERE NOT (r.rolname ~ '^pg_' AND m.rolname ~ '^pg_') ORDER BY 1, 2, 3";

const PARAMETERS: &str =
    "SELECT 'PARAMETER ' || p.parname, coalesce(e.rolname, ''), a.privilege_type, a.is_grantable,
       g.rolname, g.oid = 10
  FROM pg_catalog.pg_parameter_acl p, pg_catalog.aclexplode(p.paracl) a
  LEFT JOIN pg_catalog.pg_authid e ON e.oid = a.grantee JOIN pg_catalog.pg_authid g ON g.oid = a.grantor
 WHERE a.grantee <> 10 ORDER BY 1, 6 DESC, 2, 3";

const TABLESPACES: &str = "SELECT t.spcname, r.rolname, pg_catalog.pg_tablespace_location(t.oid),
       pg_catalog.shobj_description(t.oid, 'pg_tablespace'), t.spcacl IS NOT NULL AND NOT EXISTS
       (SELECT FROM pg_catalog.aclexplode(t.spcacl) a WHERE a.grantee = t.spcowner)
  FROM pg_catalog.pg_tablespace t JOIN pg_catalog.pg_authid r ON r.oid = t.spcowner
 WHERE t.spcname !~ '^pg_' ORDER BY 1";

const TABLESPACE_SETTINGS: &str = "SELECT t.spcname, unnest(t.spcoptions) FROM pg_catalog.pg_tablespace t
 WHERE t.spcname !~ '^pg_' ORDER BY 1, 2";

const TABLESPACE_GRANTS: &str =
    "SELECT 'TABLESPACE ' || pg_catalog.quote_ident(t.spcname), coalesce(e.rolname, ''),
       a.privilege_type, a.is_grantable, g.rolname, a.grantor = t.spcowner
  FROM pg_catalog.pg_tablespace t, pg_catalog.aclexplode(t.spcacl) a
  LEFT JOIN pg_catalog.pg_authid e ON e.oid = a.grantee JOIN pg_catalog.pg_authid g ON g.oid = a.grantor
 WHERE a.grantee <> t.spcowner AND t.spcname !~ '^pg_' ORDER BY 1, 6 DESC, 2, 3";

const SECURITY_LABELS: &str = "SELECT l.provider, CASE WHEN r.oid IS NULL THEN 'TABLESPACE' ELSE 'ROLE' END,
       coalesce(r.rolname, t.spcname), l.label
  FROM pg_catalog.pg_shseclabel l
  LEFT JOIN pg_catalog.pg_authid r ON l.classoid = 'pg_catalog.pg_authid'::regclass AND r.oid = l.objoid
  LEFT JOIN pg_catalog.pg_tablespace t ON l.classoid = 'pg_catalog.pg_tablespace'::regclass AND t.oid = l.objoid
 WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL ORDER BY 1, 2, 3";

/// Dumps what belongs to the whole server into `out`. Needs the right to read roles' passwords: a superuser.
pub async fn globals<W: Write>(
    settings: &Settings,
    options: &SnapshotOptions,
    compression: Compression,
    out: W,
) -> Result<(W, Summary)> {
    let session = connect(settings).await?;
    let snapshot = Snapshot::take(&session, options).await?;
    let text = script(&session).await?;
    let header = Header {
        format: FORMAT_VERSION,
        pgstow: env!("CARGO_PKG_VERSION").into(),
        server: session.version_text.clone(),
        server_version_num: session.version,
        snapshot_time: snapshot.time.to_rfc3339_opts(SecondsFormat::Micros, true),
        ..Header::default()
    };
    let mut sql = Digest::default();
    text.lines().for_each(|line| sql.row(line.as_bytes()));
    let mut writer = Writer::new(out, compression, header, Vec::new());
    writer.member(&Member {
        bytes: checked_encoder(compression).encode(text.as_bytes()).to_vec(),
        text: text.len() as u64,
        spans: Vec::new(),
        sql,
    })?;
    writer.finish()
}

/// The statements.
async fn script(session: &Session) -> Result<String> {
    // Times of expiry must not depend on where the server stands.
    let zone = session.client.batch_execute("SET LOCAL TimeZone = 'UTC'").await;
    zone.map_err(|e| session.explain(e))?;
    let mut out = String::from(BEGINNING);
    section(&mut out, "Roles", &rows(session, ROLES).await?, role);
    section(
        &mut out,
        "Settings of roles",
        &rows(session, ROLE_SETTINGS).await?,
        |row, out| {
            let whose = match field(row, 0) {
                "" => "ALL".to_string(),
                name => ident(name),
            };
            out.push_str(&format!(
                "ALTER ROLE {whose} SET {};\n",
                assignment(field(row, 1))
            ));
        },
    );
    let options = match session.version {
        160_000.. => "a.inherit_option, a.set_option",
        _ => "NULL, NULL",
    };
    let memberships = rows(session, &MEMBERSHIPS.replace("{options}", options)).await?;
    section(
        &mut out,
        "Memberships",
        &in_order_of_grantors(memberships),
        membership,
    );
    if session.version >= 150_000 {
        let parameters = rows(session, PARAMETERS).await?;
        section(&mut out, "Privileges on parameters", &parameters, grant);
    }
    section(
        &mut out,
        "Tablespaces",
        &rows(session, TABLESPACES).await?,
        tablespace,
    );
    let settings = rows(session, TABLESPACE_SETTINGS).await?;
    section(&mut out, "Settings of tablespaces", &settings, |row, out| {
        let (name, value) = field(row, 1).split_once('=').unwrap_or((field(row, 1), ""));
        let (space, name, value) = (ident(field(row, 0)), ident(name), script_literal(value));
        out.push_str(&format!("ALTER TABLESPACE {space} SET ({name} = {value});\n"));
    });
    let grants = rows(session, TABLESPACE_GRANTS).await?;
    section(&mut out, "Privileges on tablespaces", &grants, grant);
    let labels = rows(session, SECURITY_LABELS).await?;
    section(&mut out, "Security labels", &labels, |row, out| {
        let (provider, kind) = (ident(field(row, 0)), field(row, 1));
        let (name, label) = (ident(field(row, 2)), script_literal(field(row, 3)));
        out.push_str(&format!(
            "SECURITY LABEL FOR {provider} ON {kind} {name} IS {label};\n"
        ));
    });
    Ok(out)
}

type Row = Vec<Option<String>>;

fn field(row: &Row, number: usize) -> &str {
    row.get(number).and_then(Option::as_deref).unwrap_or_default()
}

async fn rows(session: &Session, query: &str) -> Result<Vec<Row>> {
    let messages = session.client.simple_query(query).await.map_err(|e| {
        let e = session.explain(e);
        let denied = e.server().is_some_and(|server| server.code == "42501");
        let e = e.context("reading roles and tablespaces");
        match denied {
            true => e.hint("Roles' passwords can be read by superusers only: connect as one for --globals."),
            false => e,
        }
    })?;
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|i| Ok(row.try_get(i)?.map(str::to_string)))
                .collect::<Result<Row, tokio_postgres::Error>>(),
        ),
        _ => None,
    };
    let rows = messages.iter().filter_map(row).collect::<Result<_, _>>();
    rows.map_err(|e| {
        // Roles belong to no database, so nothing says in which encoding their names are.
        Error::failed("a role or tablespace has a name, comment or setting that is not UTF-8")
            .because(e)
            .hint("Rename it, or dump roles and tablespaces with pg_dumpall --globals-only.")
    })
}

fn section(out: &mut String, title: &str, rows: &[Row], mut write: impl FnMut(&Row, &mut String)) {
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("--\n-- {}\n--\n\n", comment_text(title)));
    for row in rows {
        write(row, out);
    }
    out.push_str("\n\n");
}

fn role(row: &Row, out: &mut String) {
    let name = ident(field(row, 0));
    let create = format!("BEGIN CREATE ROLE {name}; EXCEPTION WHEN duplicate_object THEN NULL; END");
    out.push_str(&format!(
        "DO {};\nALTER ROLE {name} WITH",
        script_literal(&create)
    ));
    let attributes = [
        "SUPERUSER",
        "INHERIT",
        "CREATEROLE",
        "CREATEDB",
        "LOGIN",
        "REPLICATION",
        "BYPASSRLS",
    ];
    for (number, attribute) in attributes.iter().enumerate() {
        let no = if field(row, number + 1) == "t" { "" } else { "NO" };
        out.push_str(&format!(" {no}{attribute}"));
    }
    out.push_str(&format!(" CONNECTION LIMIT {}", field(row, 8)));
    match &row[9] {
        Some(password) => out.push_str(&format!(" PASSWORD {}", script_literal(password))),
        None => out.push_str(" PASSWORD NULL"),
    }
    if let Some(until) = &row[10] {
        out.push_str(&format!(" VALID UNTIL {}", script_literal(until)));
    }
    out.push_str(";\n");
    if let Some(comment) = &row[11] {
        out.push_str(&format!(
            "COMMENT ON ROLE {name} IS {};\n",
            script_literal(comment)
        ));
    }
}

/// A grantor must hold the admin option by the time he grants, so his own grant comes first. Grants by the bootstrap
/// superuser, and those of servers that do not keep the grantor, need nothing.
fn in_order_of_grantors(mut left: Vec<Row>) -> Vec<Row> {
    let mut ordered = Vec::new();
    let mut admins: HashSet<(String, String)> = HashSet::new();
    let key = |row: &Row, who: usize| (field(row, 0).to_string(), field(row, who).to_string());
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for row in left {
            let keeps_grantor = row[4].is_some();
            if !keeps_grantor || field(&row, 6) != "f" || admins.contains(&key(&row, 2)) {
                if field(&row, 3) == "t" {
                    admins.insert(key(&row, 1));
                }
                ordered.push(row);
            } else {
                waiting.push(row);
            }
        }
        if waiting.is_empty() || waiting.len() == before {
            // Grantors who are superusers need no grant of their own.
            ordered.extend(waiting);
            return ordered;
        }
        left = waiting;
    }
}

fn membership(row: &Row, out: &mut String) {
    let mut options = Vec::new();
    if field(row, 3) == "t" {
        options.push("ADMIN OPTION");
    }
    match field(row, 4) {
        "t" => options.push("INHERIT TRUE"),
        "f" => options.push("INHERIT FALSE"),
        _ => {}
    }
    if field(row, 5) == "f" {
        options.push("SET FALSE");
    }
    out.push_str(&format!(
        "GRANT {} TO {}",
        ident(field(row, 0)),
        ident(field(row, 1))
    ));
    if !options.is_empty() {
        out.push_str(&format!(" WITH {}", options.join(", ")));
    }
    if row[4].is_some() && row[2].is_some() {
        out.push_str(&format!(" GRANTED BY {}", ident(field(row, 2))));
    }
    out.push_str(";\n");
}

/// `GRANT` of a privilege, in the name of its grantor where that is not the owner.
fn grant(row: &Row, out: &mut String) {
    let grantee = match field(row, 1) {
        "" => "PUBLIC".to_string(),
        name => ident(name),
    };
    let option = if field(row, 3) == "t" {
        " WITH GRANT OPTION"
    } else {
        ""
    };
    let statement = format!(
        "GRANT {} ON {} TO {grantee}{option};\n",
        field(row, 2),
        field(row, 0)
    );
    match field(row, 5) {
        "t" => out.push_str(&statement),
        _ => out.push_str(&format!(
            "SET SESSION AUTHORIZATION {};\n{statement}RESET SESSION AUTHORIZATION;\n",
            ident(field(row, 4))
        )),
    }
}

fn tablespace(row: &Row, out: &mut String) {
    let (name, owner) = (ident(field(row, 0)), ident(field(row, 1)));
    let location = script_literal(field(row, 2));
    out.push_str(&format!(
        "CREATE TABLESPACE {name} OWNER {owner} LOCATION {location};\n"
    ));
    if let Some(comment) = &row[3] {
        out.push_str(&format!(
            "COMMENT ON TABLESPACE {name} IS {};\n",
            script_literal(comment)
        ));
    }
    if field(row, 4) == "t" {
        out.push_str(&format!("REVOKE ALL ON TABLESPACE {name} FROM {owner};\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_grants_before_he_was_granted_the_right() {
        let row = |role: &str, member: &str, grantor: &str, admin: &str| -> Row {
            let bootstrap = if grantor == "postgres" { "t" } else { "f" };
            let fields = [role, member, grantor, admin, "t", "t", bootstrap];
            fields.iter().map(|f| Some((*f).to_string())).collect()
        };
        let grants = vec![
            row("team", "ann", "bob", "f"),
            row("team", "bob", "carl", "t"),
            row("team", "carl", "postgres", "t"),
        ];
        let order: Vec<String> = in_order_of_grantors(grants)
            .iter()
            .map(|r| field(r, 1).to_string())
            .collect();
        assert_eq!(order, ["carl", "bob", "ann"]);
    }

    #[test]
    fn a_grant_by_a_superuser_who_has_none_himself_is_not_lost() {
        let fields = ["team", "ann", "root", "f", "t", "t", "f"];
        let row: Row = fields.iter().map(|f| Some((*f).to_string())).collect();
        assert_eq!(in_order_of_grantors(vec![row.clone()]), [row]);
    }
}
