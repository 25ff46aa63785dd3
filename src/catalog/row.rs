//! Rows of catalog queries as structs: a field is a column, by position, and the names are checked against what the
//! server describes, so that a query and its struct cannot drift apart.

use std::error::Error as StdError;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, FromSqlOwned, Type};

use crate::{Error, Result, escape};

/// A struct whose fields are the columns of a query.
pub trait FromRow: Sized {
    /// The columns' names, in order.
    const COLUMNS: &'static [&'static str];

    /// Takes one row apart.
    fn from_row(row: &Row) -> Result<Self>;
}

/// A value of a row: as the server sends it, except that text may hold any bytes.
pub trait Value {
    /// What the protocol library reads.
    type Sent: FromSqlOwned;

    /// The value.
    fn of(sent: Self::Sent) -> Self;
}

/// Text in which bytes that are not UTF-8 have become characters ([`escape`]).
pub struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Text(escape::of_bytes(raw).into_owned()))
    }

    fn accepts(kind: &Type) -> bool {
        <&str as FromSql>::accepts(kind)
    }
}

impl Value for String {
    type Sent = Text;

    fn of(sent: Text) -> Self {
        sent.0
    }
}

impl<V: Value> Value for Option<V> {
    type Sent = Option<V::Sent>;

    fn of(sent: Self::Sent) -> Self {
        sent.map(V::of)
    }
}

impl<V: Value> Value for Vec<V> {
    type Sent = Vec<V::Sent>;

    fn of(sent: Self::Sent) -> Self {
        sent.into_iter().map(V::of).collect()
    }
}

macro_rules! as_sent {
    ($($type:ty),*) => { $(impl Value for $type {
        type Sent = $type;

        fn of(sent: $type) -> Self {
            sent
        }
    })* }
}
as_sent!(bool, i8, i16, i32, i64, u32, f32, f64);

/// One value of a row.
///
/// # Errors
/// A value of another type than the field's, or a NULL where none was expected: names the column.
pub fn value<V: Value>(row: &Row, at: usize) -> Result<V> {
    row.try_get(at).map(V::of).map_err(|e| {
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
