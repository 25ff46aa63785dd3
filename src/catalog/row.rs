//! Rows of catalog queries as structs: a field is a column, by position, and the names are checked against what the
//! server describes, so that a query and its struct cannot drift apart.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::{Error, Result};

/// A struct whose fields are the columns of a query.
pub trait FromRow: Sized {
    /// The columns' names, in order.
    const COLUMNS: &'static [&'static str];

    /// Takes one row apart.
    fn from_row(row: &Row) -> Result<Self>;
}

/// One value of a row.
///
/// # Errors
/// A value of another type than the field's, or a NULL where none was expected: names the column.
pub fn value<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T> {
    row.try_get(at).map_err(|e| {
        let column = row.columns().get(at).map_or("?", |c| c.name());
        Error::failed(format!(
            "a catalog query gave an unexpected value in column {column:?}"
        ))
        .because(e)
    })
}

/// Declares a struct together with its [`FromRow`].
macro_rules! row_struct {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name { $($(#[$field_meta])* pub(crate) $field: $type,)* }

        impl $crate::catalog::row::FromRow for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn from_row(row: &tokio_postgres::Row) -> $crate::Result<Self> {
                let mut at = 0..;
                Ok($name {
                    $($field: $crate::catalog::row::value(row, at.next().unwrap_or_default())?,)*
                })
            }
        }
    };
}
pub(crate) use row_struct;
