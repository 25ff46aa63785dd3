//! What a line of the registry is.

use tokio_postgres::Row;

use super::loader::Loader;
use super::row::FromRow;
use crate::{Error, Result};

/// A row of a catalog query that knows how it becomes an object or a fact.
pub trait CatalogRow: FromRow {
    /// Only rows need these facts: a dump of definitions alone does not ask.
    const FOR_ROWS: bool = false;
    /// A query with one `text[]`: the names of objects of this kind that this role may not read, of which there must be
    /// none; NULL where it may read all there are.
    const UNREADABLE: Option<&'static str> = None;

    /// Adds what the row says to the loader.
    fn load(self, loader: &mut Loader) -> Result<()>;
}

/// One kind of object or fact: a file in `src/catalog/`, a file in `schema-sql/`, a line in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Stem of `schema-sql/<name>.sql`.
    pub name: &'static str,
    /// The query as PostgreSQL 18 takes it.
    pub sql: &'static str,
    /// The columns it gives.
    pub columns: &'static [&'static str],
    /// See [`CatalogRow::FOR_ROWS`].
    pub for_rows: bool,
    /// See [`CatalogRow::UNREADABLE`].
    pub unreadable: Option<&'static str>,
    /// Takes one of its rows.
    pub load: fn(&Row, &mut Loader) -> Result<()>,
}

/// A registry line.
pub const fn kind<R: CatalogRow>(name: &'static str, sql: &'static str) -> Kind {
    Kind {
        name,
        sql,
        columns: R::COLUMNS,
        for_rows: R::FOR_ROWS,
        unreadable: R::UNREADABLE,
        load: load_row::<R>,
    }
}

fn load_row<R: CatalogRow>(row: &Row, loader: &mut Loader) -> Result<()> {
    R::from_row(row)?.load(loader)
}

impl Kind {
    /// Checks that a row of the query has the columns that are expected.
    ///
    /// # Errors
    /// Names both lists.
    pub fn check_columns(&self, row: &Row) -> Result<()> {
        let names: Vec<&str> = row.columns().iter().map(|c| c.name()).collect();
        let expected: Vec<&str> = self
            .columns
            .iter()
            .map(|name| name.trim_start_matches("r#"))
            .collect();
        if names == expected {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the query gives the columns {names:?} where {expected:?} were expected"
        )))
    }
}
