//! Which tables' rows are converted, by the types of their columns: the new database is asked for them once, when the
//! script has made all of these tables and the first one is to be loaded; for one that is loaded before, by itself.

use std::collections::HashMap;

use tokio::sync::OnceCell;
use tokio_postgres::types::Oid;

use super::Names;
use super::worker::{Load, State};
use crate::Result;
use crate::archive::{Index, Rows};
use crate::connect::{Settings, connect};
use crate::event::{Event, Observer};
use crate::restore::binary::Converter;
use crate::restore::freeze::before_options;
use crate::restore::verdict::{copy_columns, copy_target};
use crate::script::setting;

/// Bytes of COPY text from which on a table is converted: a server spends some 10 ms on so many, a connection to ask for
/// types costs less.
const LARGE: u64 = 1 << 20;

const COLUMNS: &str = "
SELECT n.nspname::text, c.relname::text, a.attname::text, a.atttypid
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS wanted (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped";

/// The types of a table's columns, by their names.
type Columns = HashMap<String, Oid>;

/// The types of the columns of large tables.
pub(super) struct Types {
    settings: Settings,
    wanted: Vec<Names>,
    known: OnceCell<HashMap<Names, Columns>>,
}

impl Types {
    /// Of the tables of a file, in the database that the settings name.
    pub(super) fn new(settings: &Settings, index: &Index) -> Types {
        let large = index.tables.iter().filter(|table| is_large(&table.rows));
        Types {
            settings: settings.clone(),
            wanted: large
                .map(|table| (table.schema.clone(), table.name.clone()))
                .collect(),
            known: OnceCell::new(),
        }
    }

    /// What converts the rows of this COPY statement; `None` if they are to be sent as they are. The session has been set
    /// to `state`.
    pub(super) async fn converter(
        &self,
        copy: &[u8],
        load: &Load,
        state: &State,
        observer: &dyn Observer,
    ) -> Option<Converter> {
        if !is_large(&load.rows) {
            return None;
        }
        // In other encodings a byte of a letter may look like a backslash.
        let (_, encoding) = setting(state.get(&b"client_encoding"[..])?)?;
        (encoding == "utf8").then_some(())?;
        before_options(copy)?;
        let text = |name: Vec<u8>| String::from_utf8(name).ok();
        let (schema, table) = copy_target(copy);
        let name = (text(schema?)?, text(table)?);
        let own;
        let columns = if load.early {
            own = self.ask(std::slice::from_ref(&name), observer).await;
            own.get(&name)?
        } else {
            let known = self.known.get_or_init(|| self.ask(&self.wanted, observer));
            known.await.get(&name)?
        };
        let types = copy_columns(copy)?
            .into_iter()
            .map(|name| columns.get(&text(name)?).copied())
            .collect::<Option<Vec<_>>>()?;
        Converter::new(&types)
    }

    /// What is known of these tables; nothing where the server cannot be asked.
    async fn ask(&self, wanted: &[Names], observer: &dyn Observer) -> HashMap<Names, Columns> {
        self.query(wanted).await.unwrap_or_else(|e| {
            let why = format!("rows are not converted, for the types of their columns are not known: {e}");
            observer.event(Event::Info(why));
            HashMap::new()
        })
    }

    async fn query(&self, wanted: &[Names]) -> Result<HashMap<Names, Columns>> {
        let session = connect(&self.settings).await?;
        let (schemas, names): (Vec<_>, Vec<_>) = wanted.iter().cloned().unzip();
        let rows = session.client.query(COLUMNS, &[&schemas, &names]).await;
        let mut known: HashMap<Names, Columns> = HashMap::new();
        for row in rows.map_err(|e| session.explain(e))? {
            let name = (row.try_get(0)?, row.try_get(1)?);
            let columns = known.entry(name).or_default();
            columns.insert(row.try_get(2)?, row.try_get(3)?);
        }
        Ok(known)
    }
}

fn is_large(rows: &Rows) -> bool {
    rows.counted.bytes >= LARGE
}
