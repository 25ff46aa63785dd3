//! Sequences: stand-alone, owned by a column, behind an identity column; and their values.

use std::fmt::Write;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::dialect;
use super::id::Facet;
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::read::is_wanted;
use super::row::{row_struct, value};
use crate::connect::Session;
use crate::sql::{ident, qualified, script_literal};
use crate::{Error, Result};

row_struct! {
    /// A sequence.
    pub struct SequenceRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        unlogged: bool,
        r#type: String,
        start: i64,
        increment: i64,
        maximum: i64,
        minimum: i64,
        cache: i64,
        cycle: bool,
        /// `a` owned by a column, `i` behind an identity column.
        ownership: Option<String>,
        table_oid: Option<u32>,
        table_name: Option<String>,
        table_is_unlogged: Option<bool>,
        column: Option<String>,
        /// `a` always, `d` by default.
        identity: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

/// The names of sequences, for reading their values.
pub const NAMES: &str = include_str!("../../schema-sql/sequence_name.sql");

/// Sequences whose values one query reads, where the query of all names does not have them.
const VALUES_BATCH: usize = 1000;

/// Reads the values of all sequences that are wanted: with their names from PostgreSQL 18 on, else a thousand a query.
/// What the role may not see has no value there, and is an error here.
pub async fn load_values(session: &Session, loader: &mut Loader) -> Result<()> {
    let choice = &loader.scope.choice;
    let mut sequences: Vec<(u32, String)> = Vec::new();
    // No server lacks sequences.
    let names = dialect::adapt("sequence_name", NAMES, session.version).unwrap_or_default();
    for row in &session.client.query(&names, &[]).await? {
        let (name, oid): (String, u32) = (value(row, 0)?, value(row, 1)?);
        if !is_wanted(row, choice)? || !choice.rows(oid) {
            continue;
        }
        let known: (Option<i64>, Option<bool>) = (value(row, 4)?, value(row, 5)?);
        match known {
            (Some(last), Some(called)) => {
                loader.sequence_values.insert(oid, (last, called));
            }
            _ => sequences.push((oid, name)),
        }
    }
    let batches = try_join_all(sequences.chunks(VALUES_BATCH).map(|batch| async move {
        let values: Vec<String> = batch
            .iter()
            .map(|(_, name)| format!("(SELECT last_value || ',' || is_called FROM {name})"))
            .collect();
        session
            .client
            .query_one(&format!("SELECT ARRAY[{}]", values.join(",\n")), &[])
            .await
    }))
    .await
    .map_err(|e| Error::from(e).context("cannot read the value of every sequence"))?;
    for (batch, row) in sequences.chunks(VALUES_BATCH).zip(&batches) {
        let values: Vec<String> = value(row, 0)?;
        for ((oid, name), text) in batch.iter().zip(values) {
            let parsed = text
                .split_once(',')
                .and_then(|(last, called)| Some((last.parse().ok()?, called == "true")));
            let parsed =
                parsed.ok_or_else(|| Error::failed(format!("sequence {name} has the odd value {text:?}")))?;
            loader.sequence_values.insert(*oid, parsed);
        }
    }
    Ok(())
}

impl CatalogRow for SequenceRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = Loader::relation(self.oid);
        let name = qualified(&self.schema, &self.name);
        let owner = loader.role(self.owner);
        let is_identity = self.ownership.as_deref() == Some("i");
        let base = loader.base_privileges(id, 0, self.default_acl.clone());
        let mut object = Object::new(
            id,
            Rank::Table,
            "SEQUENCE",
            Some(&self.schema),
            &self.name,
            if is_identity {
                self.identity_clause(&name)
            } else {
                self.create(&name)
            },
        )
        .owned(&owner, "SEQUENCE", &name)
        .addressed("SEQUENCE", &name)
        .granted(format!("SEQUENCE {name}"), None, self.acl.clone(), base);
        if is_identity {
            object.owner_addresses.clear();
        } else {
            object = object.dropped("SEQUENCE", &name);
        }
        object.depends.extend(self.table_oid.map(Loader::relation));
        loader.add(object);
        if let (false, Some(table), Some(column)) = (is_identity, &self.table_name, &self.column) {
            let create = format!("ALTER SEQUENCE {name} OWNED BY {table}.{};\n", ident(column));
            let mut object = Object::new(
                id.facet(Facet::State),
                Rank::Table,
                "SEQUENCE OWNED BY",
                Some(&self.schema),
                &self.name,
                create,
            );
            object.owner = Some(owner.clone());
            object.depends.push(id);
            loader.add(object);
        }
        add_value(self.oid, &self.schema, &self.name, Some(owner), loader);
        Ok(())
    }
}

/// The statement that gives a sequence its value.
pub fn add_value(oid: u32, schema: &str, name: &str, owner: Option<Arc<str>>, loader: &mut Loader) {
    let Some(&(last_value, is_called)) = loader.sequence_values.get(&oid) else {
        return;
    };
    let id = Loader::relation(oid);
    let quoted = script_literal(&qualified(schema, name));
    let create = format!("SELECT pg_catalog.setval({quoted}, {last_value}, {is_called});\n");
    let mut object = Object::new(
        id.facet(Facet::Data),
        Rank::SequenceValue,
        "SEQUENCE SET",
        Some(schema),
        name,
        create,
    );
    object.owner = owner;
    object.depends.push(id);
    loader.add(object);
}

impl SequenceRow {
    fn create(&self, name: &str) -> String {
        let unlogged = if self.unlogged { "UNLOGGED " } else { "" };
        let mut text = format!("CREATE {unlogged}SEQUENCE {name}");
        if self.r#type != "bigint" {
            let _ = write!(text, "\n    AS {}", self.r#type);
        }
        text.push_str(&self.options());
        text.push_str(";\n");
        text
    }

    fn identity_clause(&self, name: &str) -> String {
        let table = self.table_name.as_deref().unwrap_or_default();
        let column = ident(self.column.as_deref().unwrap_or_default());
        let when = if self.identity.as_deref() == Some("a") {
            "ALWAYS"
        } else {
            "BY DEFAULT"
        };
        let mut text = format!(
            "ALTER TABLE {table} ALTER COLUMN {column} ADD GENERATED {when} AS IDENTITY (\n    SEQUENCE NAME {name}{}\n);\n",
            self.options()
        );
        if self
            .table_is_unlogged
            .is_some_and(|unlogged| unlogged != self.unlogged)
        {
            let state = if self.unlogged { "UNLOGGED" } else { "LOGGED" };
            let _ = writeln!(text, "ALTER SEQUENCE {name} SET {state};");
        }
        text
    }

    fn options(&self) -> String {
        let (lowest, highest) = match self.r#type.as_str() {
            "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
            "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let (default_minimum, default_maximum) = if self.increment > 0 {
            (1, highest)
        } else {
            (lowest, -1)
        };
        let bound = |value: i64, default: i64, word: &str| {
            if value == default {
                format!("NO {word}")
            } else {
                format!("{word} {value}")
            }
        };
        let mut text = format!(
            "\n    START WITH {}\n    INCREMENT BY {}\n    {}\n    {}\n    CACHE {}",
            self.start,
            self.increment,
            bound(self.minimum, default_minimum, "MINVALUE"),
            bound(self.maximum, default_maximum, "MAXVALUE"),
            self.cache
        );
        if self.cycle {
            text.push_str("\n    CYCLE");
        }
        text
    }
}
