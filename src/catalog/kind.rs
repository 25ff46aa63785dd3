//! What a line of the registry is.

use tokio_postgres::Row;

use super::loader::Loader;
use super::row::FromRow;
use crate::{Error, Result};

/// A row of a catalog query that knows how it becomes an object or a fact.
pub trait CatalogRow: FromRow {
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
    /// Takes its rows.
    pub load: fn(Vec<Row>, &mut Loader) -> Result<()>,
}

/// A registry line.
pub const fn kind<R: CatalogRow>(name: &'static str, sql: &'static str) -> Kind {
    Kind {
        name,
        sql,
        columns: R::COLUMNS,
        load: load_rows::<R>,
    }
}

fn load_rows<R: CatalogRow>(rows: Vec<Row>, loader: &mut Loader) -> Result<()> {
    if let Some(row) = rows.first() {
        let names: Vec<&str> = row.columns().iter().map(|c| c.name()).collect();
        let expected = R::COLUMNS.iter().map(|name| name.trim_start_matches("r#"));
        if !names.iter().copied().eq(expected.clone()) {
            return Err(Error::failed(format!(
                "a catalog query gives the columns {names:?} where {:?} were expected",
                expected.collect::<Vec<_>>()
            )));
        }
    }
    for row in rows {
        R::from_row(&row)?.load(loader)?;
    }
    Ok(())
}
