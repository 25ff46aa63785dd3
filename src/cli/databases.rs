//! Which databases a verb of the store is about: one, a list in `PGDATABASE`, or all of a server.

use super::Connection;
use crate::connect::{self, Settings};
use crate::{Error, Result};

/// The databases meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Databases {
    /// These.
    Named(Vec<String>),
    /// Every one of the server that takes connections and is no template.
    All,
}

impl Databases {
    /// Their names, as of now.
    pub async fn names(&self, settings: &Settings) -> Result<Vec<String>> {
        match self {
            Databases::Named(names) => Ok(names.clone()),
            Databases::All => all(settings).await,
        }
    }

    /// Whether this database is meant, as far as that can be told without a server.
    pub fn may_contain(&self, database: &str) -> bool {
        match self {
            Databases::Named(names) => names.iter().any(|name| name == database),
            Databases::All => true,
        }
    }
}

/// The databases that options and environment name. In the environment several may stand, separated by commas; with
/// `--dbname` there is one, whose name may hold anything.
///
/// # Errors
/// The variable has a URI, which libpq does not expand there: as a name it would carry its password into every report.
pub fn named(connection: &Connection, settings: &Settings) -> Result<Vec<String>> {
    let name = settings.dbname();
    match connection.dbname {
        Some(_) => Ok(vec![name.to_string()]),
        None if name.contains("://") => Err(Error::usage(
            "PGDATABASE is a URI, expected a database's name, or several separated by commas",
        )
        .hint("Give a URI by --dbname, or its parts by PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.")),
        None => Ok(split(name)),
    }
}

fn split(names: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !list.iter().any(|known| known == name) {
            list.push(name.to_string());
        }
    }
    list
}

async fn all(settings: &Settings) -> Result<Vec<String>> {
    // The database named may be a list, too, of which any will do to ask.
    let first = split(settings.dbname()).into_iter().next();
    let session = connect::connect(&settings.with_dbname(first.as_deref().unwrap_or("postgres"))).await?;
    let query =
        "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1";
    let rows = session.client.simple_query(query).await?;
    let names: Vec<String> = rows
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_string),
            _ => None,
        })
        .collect();
    match names.is_empty() {
        true => Err(Error::failed("the server has no database to back up")),
        false => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_databases_names_each_once() {
        assert_eq!(split("app"), ["app"]);
        assert_eq!(split(" app, shop,,app "), ["app", "shop"]);
    }
}
