//! Columns of relations, and what must be said about them by `ALTER TABLE` after the relation stands.

use std::fmt::Write;

use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Object};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, script_literal};

row_struct! {
    /// One column of a table, view, foreign table or composite type.
    pub struct ColumnRow {
        relation: u32,
        number: i16,
        name: String,
        /// With its modifier, as `format_type` writes it.
        r#type: String,
        /// Qualified and quoted; only when it is not the type's own.
        collation: Option<String>,
        /// Defined here, whether or not also inherited.
        is_local: bool,
        /// `a` always, `d` by default, or empty.
        identity: String,
        /// `s` stored, `v` virtual, or empty.
        generated: String,
        default_oid: Option<u32>,
        default_expression: Option<String>,
        not_null: bool,
        not_null_oid: Option<u32>,
        not_null_name: Option<String>,
        /// Another table's constraint has the same name: the server would not choose it here.
        not_null_name_is_shared: Option<bool>,
        not_null_is_local: Option<bool>,
        not_null_no_inherit: Option<bool>,
        not_null_valid: Option<bool>,
        /// `p`, `e`, `x`, `m`; only when it is not the type's own.
        storage: Option<String>,
        /// `p` pglz, `l` lz4; only when set.
        compression: Option<String>,
        statistics: Option<i32>,
        options: Option<String>,
        fdw_options: Option<String>,
        acl: Option<Vec<String>>,
    }
}

/// A column.
pub type Column = ColumnRow;

impl CatalogRow for ColumnRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        loader.columns.entry(self.relation).or_default().push(self);
        Ok(())
    }
}

impl ColumnRow {
    /// Whether its value is computed from other columns and so never part of a row's text.
    pub fn is_generated(&self) -> bool {
        !self.generated.is_empty()
    }

    /// The NOT NULL clause as it stands in a column's definition: empty, ` NOT NULL`, or with a name that is not the
    /// one the server would choose.
    pub fn not_null_clause(&self, relation: &str) -> String {
        if !self.not_null || self.not_null_valid == Some(false) {
            return String::new();
        }
        let mut clause = match &self.not_null_name {
            Some(name)
                if self.not_null_name_is_shared == Some(true)
                    || *name != format!("{relation}_{}_not_null", self.name) =>
            {
                format!(" CONSTRAINT {} NOT NULL", ident(name))
            }
            _ => " NOT NULL".to_string(),
        };
        if self.not_null_no_inherit == Some(true) {
            clause.push_str(" NO INHERIT");
        }
        clause
    }

    /// What only `ALTER TABLE` can say: statistics target, storage, compression, options.
    pub fn alterations(&self, table: &str, is_foreign: bool) -> String {
        let kind = if is_foreign { "FOREIGN TABLE" } else { "TABLE" };
        let mut out = String::new();
        let mut alter = |what: std::fmt::Arguments<'_>| {
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "ALTER {kind} ONLY {table} ALTER COLUMN {} {what};",
                ident(&self.name)
            );
        };
        if let Some(target) = self.statistics {
            alter(format_args!("SET STATISTICS {target}"));
        }
        if let Some(storage) = self.storage.as_deref().and_then(storage_word) {
            alter(format_args!("SET STORAGE {storage}"));
        }
        if let Some(method) = self.compression.as_deref().and_then(compression_word) {
            alter(format_args!("SET COMPRESSION {method}"));
        }
        if let Some(options) = &self.options {
            alter(format_args!("SET ({options})"));
        }
        if let Some(options) = &self.fdw_options {
            let name = ident(&self.name);
            let _ = writeln!(
                out,
                "ALTER FOREIGN TABLE ONLY {table} ALTER COLUMN {name} OPTIONS (\n    {options}\n);"
            );
        }
        out
    }
}

fn storage_word(code: &str) -> Option<&'static str> {
    Some(match code {
        "p" => "PLAIN",
        "e" => "EXTERNAL",
        "x" => "EXTENDED",
        "m" => "MAIN",
        _ => return None,
    })
}

fn compression_word(code: &str) -> Option<&'static str> {
    Some(match code {
        "p" => "pglz",
        "l" => "lz4",
        _ => return None,
    })
}

/// Lets comments and privileges of a relation's columns find them.
#[must_use]
pub fn with_columns(mut object: Object, loader: &Loader, columns: &[Column], relation: &str) -> Object {
    let of = columns.first().map(|column| Loader::relation(column.relation));
    let is_described = of.is_some_and(|of| loader.catalog.is_described(of));
    for column in columns {
        // Most columns have neither comment nor label, and a name for each would be most of the memory.
        if let (Some(of), true) = (of, is_described) {
            let name = format!("{relation}.{}", ident(&column.name));
            let sub = i32::from(column.number);
            object.addresses.push(Address {
                of,
                sub,
                kind: "COLUMN",
                name,
            });
        }
        if column.acl.is_some() {
            let base = loader.base_privileges(object.id, i32::from(column.number), None);
            object = object.granted(
                format!("TABLE {relation}"),
                Some(&column.name),
                column.acl.clone(),
                base,
            );
        }
    }
    object
}

/// Storage parameters as `WITH (...)` takes them: `fillfactor='70'`.
pub fn reloptions(options: &[String], prefix: &str) -> Vec<String> {
    options
        .iter()
        .map(|option| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let plain = !value.is_empty() && ident(value) == value;
            let value = if plain {
                value.to_string()
            } else {
                script_literal(value)
            };
            format!("{prefix}{}={value}", ident(name))
        })
        .collect()
}
