//! Databases made for a restore: beside the live one, to be tried, dropped or swapped with it.

use chrono::{DateTime, Utc};

use super::exchange;
use crate::catalog::settings::assignment;
use crate::connect::{Session, Settings, connect};
use crate::sql::{ident, literal};
use crate::{Error, Result};

/// The longest name that the server does not cut off, in bytes.
const NAME_LIMIT: usize = 63;

/// A name for a database beside another, such as `app_restore_20240131_030000`. It always fits.
pub fn name_beside(dbname: &str, what: &str, time: DateTime<Utc>) -> String {
    let end = format!("_{what}_{}", time.format("%Y%m%d_%H%M%S"));
    let mut start = dbname;
    while start.len() + end.len() > NAME_LIMIT {
        let mut chars = start.chars();
        chars.next_back();
        start = chars.as_str();
    }
    format!("{start}{end}")
}

/// Creates an empty database with the encoding, locale, tablespace and owner of the session's own.
pub async fn create_like(session: &Session, dbname: &str) -> Result<()> {
    let there = exists(session, dbname).await?;
    // As JSON, for each major has other columns.
    let query = "SELECT pg_catalog.to_jsonb(d)::text, pg_catalog.pg_encoding_to_char(d.encoding)::text, \
         pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.datdba)), pg_catalog.quote_ident(t.spcname) \
         FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = pg_catalog.current_database()";
    let row = session
        .client
        .query_one(query, &[])
        .await
        .map_err(|e| session.explain(e))?;
    let facts: serde_json::Value = serde_json::from_str(row.get(0))
        .map_err(|e| Error::failed("the server describes its database in an odd way").because(e))?;
    let mut text = create_text(dbname, &facts, row.get(1), row.get(2));
    let tablespace: String = row.get(3);
    // The default one may be used by everybody, but named only with a privilege on it.
    if tablespace != "pg_default" {
        text.push_str(&format!(" TABLESPACE {tablespace}"));
    }
    let Err(e) = session.client.batch_execute(&text).await else {
        return Ok(());
    };
    let unheard = e.as_db_error().is_none();
    let failed = session
        .explain(e)
        .context(format!("cannot create database {dbname:?}"));
    if unheard && !there {
        // The server may have made it all the same.
        if let Err(left) = drop_after(session, dbname).await {
            return Err(failed.hint(format!(
                "Database {dbname:?} may be there: drop it by hand ({left})."
            )));
        }
    }
    Err(failed)
}

/// Drops a database, if it is there, when a lost session has ended. Nobody is put out of it.
async fn drop_after(lost: &Session, dbname: &str) -> Result<()> {
    let session = exchange::outlive(lost).await?;
    let text = format!("DROP DATABASE IF EXISTS {}", ident(dbname));
    let dropped = session.client.batch_execute(&text).await;
    dropped.map_err(|e| session.explain(e))
}

fn create_text(dbname: &str, facts: &serde_json::Value, encoding: &str, owner: &str) -> String {
    let fact = |name: &str| facts.get(name).and_then(|v| v.as_str()).map(literal);
    let mut text = format!(
        "CREATE DATABASE {} OWNER {owner} TEMPLATE template0 ENCODING {}",
        ident(dbname),
        literal(encoding)
    );
    let locale = fact("datlocale").or(fact("daticulocale"));
    let provider = match facts.get("datlocprovider").and_then(|v| v.as_str()) {
        Some("i") => Some(("icu", "ICU_LOCALE")),
        Some("b") => Some(("builtin", "BUILTIN_LOCALE")),
        // The template's would be taken otherwise.
        Some("c") => {
            text.push_str(" LOCALE_PROVIDER libc");
            None
        }
        _ => None,
    };
    if let (Some((provider, option)), Some(locale)) = (provider, locale) {
        text.push_str(&format!(" LOCALE_PROVIDER {provider} {option} {locale}"));
    }
    for (option, name) in [
        ("LC_COLLATE", "datcollate"),
        ("LC_CTYPE", "datctype"),
        ("ICU_RULES", "daticurules"),
    ] {
        if let Some(value) = fact(name) {
            text.push_str(&format!(" {option} {value}"));
        }
    }
    text
}

/// Statements that give a database the privileges, limits, comment and settings of the session's own; of a setting the
/// beginning, and `name=value` as any role may have written it.
const PROPERTIES: &str = "
WITH d AS (SELECT * FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
SELECT pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1::text), NULL::text FROM d WHERE datacl IS NOT NULL
UNION ALL
SELECT pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $1,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END), NULL
FROM d, pg_catalog.aclexplode(d.datacl) a
UNION ALL
SELECT pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT %s', $1, datconnlimit), NULL FROM d WHERE datconnlimit <> -1
UNION ALL
SELECT pg_catalog.format('COMMENT ON DATABASE %I IS %L', $1, pg_catalog.shobj_description(oid, 'pg_database')), NULL
FROM d WHERE pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL
UNION ALL
SELECT pg_catalog.format('ALTER %s%I SET ',
    CASE s.setrole WHEN 0 THEN 'DATABASE '
        ELSE pg_catalog.format('ROLE %I IN DATABASE ', pg_catalog.pg_get_userbyid(s.setrole)) END, $1), e.entry
FROM d JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid, pg_catalog.unnest(s.setconfig) AS e(entry)";

/// Gives a database the privileges, connection limit, comment and settings of the session's own.
pub async fn copy_properties(session: &Session, dbname: &str) -> Result<()> {
    let rows = session
        .client
        .query(PROPERTIES, &[&dbname])
        .await
        .map_err(|e| session.explain(e))?;
    for row in rows {
        let (mut text, setting): (String, Option<String>) = (row.get(0), row.get(1));
        if let Some(setting) = setting {
            text.push_str(&assignment(&setting));
        }
        let done = session.client.batch_execute(&text).await;
        done.map_err(|e| session.explain(e).context(text))?;
    }
    Ok(())
}

/// Whether a database of this name exists.
pub async fn exists(session: &Session, dbname: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname::text = $1)";
    let row = session
        .client
        .query_one(query, &[&dbname])
        .await
        .map_err(|e| session.explain(e))?;
    Ok(row.get(0))
}

/// Drops a database, whoever is connected to it, which the settings may name.
pub async fn drop_from_outside(settings: &Settings, dbname: &str) -> Result<()> {
    let once = async || {
        let session = exchange::connect_outside(settings, &[dbname]).await?;
        exchange::drop(&session, dbname).await
    };
    match once().await {
        Err(e) if is_disturbed(&e) => once().await,
        dropped => dropped,
    }
}

/// Whether what ended a restore, or kept it from hearing the server, may have done the same to its cleaning up: that is
/// tried again then.
fn is_disturbed(error: &Error) -> bool {
    // Class 57: cancelled, or the session ended from outside.
    error.server().is_none_or(|server| server.code.starts_with("57"))
}

/// Drops tablespaces.
pub(super) async fn drop_tablespaces(settings: &Settings, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let session = connect(settings).await?;
    for name in names {
        let text = format!("DROP TABLESPACE IF EXISTS {}", ident(name));
        let dropped = session.client.batch_execute(&text).await;
        dropped.map_err(|e| {
            session
                .explain(e)
                .context(format!("cannot drop tablespace {name:?}"))
        })?;
    }
    Ok(())
}

/// Drops a database, whoever is connected to it.
pub async fn drop(settings: &Settings, dbname: &str) -> Result<()> {
    // A connection of its own: the one that made the database may have ended with what went wrong.
    let once = async || exchange::drop(&connect(settings).await?, dbname).await;
    match once().await {
        Err(e) if is_disturbed(&e) => once().await,
        dropped => dropped,
    }
}

/// The statements that give `fresh` the name of `live`, and `live` the name `before`: both or neither.
pub(super) fn rename_both(live: &str, fresh: &str, before: &str) -> String {
    let rename = |from: &str, to: &str| format!("ALTER DATABASE {} RENAME TO {};\n", ident(from), ident(to));
    format!("BEGIN;\n{}{}COMMIT;", rename(live, before), rename(fresh, live))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beside_fits_and_is_never_cut_within_a_letter() {
        let time = DateTime::from_timestamp(1_706_670_000, 0).unwrap();
        assert_eq!(name_beside("app", "restore", time), "app_restore_20240131_030000");
        let long = name_beside(&"ü".repeat(31), "restore", time);
        assert!(long.len() <= NAME_LIMIT && long.starts_with("üü"), "{long}");
    }

    #[test]
    fn the_locale_of_every_major_is_kept() {
        for (facts, want) in [
            (
                serde_json::json!({"datcollate": "C.UTF-8", "datctype": "C.UTF-8"}),
                "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
            ),
            (
                serde_json::json!({"datlocprovider": "c", "datcollate": "C", "datctype": "C"}),
                "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'",
            ),
            (
                serde_json::json!({"datlocprovider": "i", "daticulocale": "de", "datcollate": "C", "datctype": "C",
                    "daticurules": "&a < g"}),
                "LOCALE_PROVIDER icu ICU_LOCALE 'de' LC_COLLATE 'C' LC_CTYPE 'C' ICU_RULES '&a < g'",
            ),
            (
                serde_json::json!({"datlocprovider": "b", "datlocale": "C.UTF-8", "datcollate": "C", "datctype": "C"}),
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'",
            ),
        ] {
            let text = create_text("it's", &facts, "UTF8", "postgres");
            let start = "CREATE DATABASE \"it's\" OWNER postgres TEMPLATE template0 ENCODING 'UTF8' ";
            assert_eq!(text, format!("{start}{want}"));
        }
    }
}
