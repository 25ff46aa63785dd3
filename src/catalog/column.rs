//! Columns of relations, and what must be said about them by `ALTER TABLE` after the relation stands.

use std::fmt::Write;
use std::sync::Arc;

use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Object};
use super::row::row_struct;
use crate::sql::{ident, script_literal};
use crate::{Error, Result};

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
        /// `a` always, `d` by default, or 0.
        identity: i8,
        /// `s` stored, `v` virtual, or 0.
        generated: i8,
        default_oid: Option<u32>,
        default_expression: Option<String>,
        not_null: bool,
        not_null_oid: Option<u32>,
        not_null_name: Option<String>,
        /// Another table's constraint has the same name: the server would not choose it here.
        not_null_name_is_shared: Option<bool>,
        not_null_is_local: Option<bool>,
        not_null_no_inherit: Option<bool>,
        not_null_is_valid: Option<bool>,
        /// `p`, `e`, `x`, `m`; only when it is not the type's own.
        storage: Option<i8>,
        /// `p` pglz, `l` lz4; 0: not set.
        compression: i8,
        statistics: Option<i32>,
        options: Option<String>,
        fdw_options: Option<String>,
        acl: Option<Vec<String>>,
    }
}

/// A column as it is kept: a database has more of them than of anything else, and most have nothing special.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its table, view or composite type.
    pub relation: u32,
    /// Its `attnum`.
    pub number: i16,
    /// Defined here, whether or not also inherited.
    pub is_local: bool,
    /// Numbers of a sequence of its own.
    pub is_identity: bool,
    /// How its value is computed from other columns, if it is.
    pub generated: Option<Generated>,
    /// Whether it takes no NULL.
    pub not_null: bool,
    /// Its name, unquoted.
    pub name: Box<str>,
    /// Its type with its modifier, as `format_type` writes it.
    pub r#type: Arc<str>,
    /// Its collation, qualified and quoted; only when it is not the type's own.
    pub collation: Option<Arc<str>>,
    /// Its default or generation expression.
    pub default: Option<Box<DefaultValue>>,
    /// The constraint behind `not_null` (18+).
    pub not_null_constraint: Option<Box<NotNull>>,
    settings: Option<Box<Settings>>,
    acl: Option<Box<[String]>>,
}

/// How a generated column gets its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// Computed when written.
    Stored,
    /// Computed when read (18+).
    Virtual,
}

/// A row of `pg_attrdef`.
#[derive(Debug, Clone)]
pub struct DefaultValue {
    /// Its OID.
    pub oid: u32,
    /// Its text.
    pub expression: Box<str>,
}

/// A NOT NULL constraint (18+).
#[derive(Debug, Clone)]
pub struct NotNull {
    /// Its OID.
    pub oid: u32,
    /// Its name, unquoted.
    pub name: Box<str>,
    /// Another table's constraint has the same name: the server would not choose it here.
    pub name_is_shared: bool,
    /// Defined here, whether or not also inherited.
    pub is_local: bool,
    /// Children do not have it.
    pub no_inherit: bool,
    /// All rows are known to meet it.
    pub is_valid: bool,
}

/// What only `ALTER TABLE` can say of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    storage: Option<i8>,
    compression: i8,
    statistics: Option<i32>,
    options: Option<String>,
    fdw_options: Option<String>,
}

impl CatalogRow for ColumnRow {
    fn load(mut self, loader: &mut Loader) -> Result<()> {
        if !loader.scope.toast_compression {
            self.compression = 0;
        }
        let relation = self.relation;
        let column = self.keep(loader)?;
        loader.columns.entry(relation).or_default().push(column);
        Ok(())
    }
}

impl ColumnRow {
    fn keep(self, loader: &mut Loader) -> Result<Column> {
        let generated = match self.generated as u8 {
            0 => None,
            b's' => Some(Generated::Stored),
            b'v' => Some(Generated::Virtual),
            other => {
                return Err(Error::failed(format!(
                    "column {:?} is generated in the way {:?}, which is not known",
                    self.name,
                    char::from(other)
                )));
            }
        };
        let default = self.default_oid.zip(self.default_expression);
        let not_null = self.not_null_oid.zip(self.not_null_name);
        let settings = Settings {
            storage: self.storage,
            compression: self.compression,
            statistics: self.statistics,
            options: self.options,
            fdw_options: self.fdw_options,
        };
        let plain = Settings {
            storage: None,
            compression: 0,
            statistics: None,
            options: None,
            fdw_options: None,
        };
        Ok(Column {
            relation: self.relation,
            number: self.number,
            is_local: self.is_local,
            is_identity: self.identity != 0,
            generated,
            not_null: self.not_null,
            name: self.name.into_boxed_str(),
            r#type: loader.share(&self.r#type),
            collation: self.collation.map(|collation| loader.share(&collation)),
            default: default.map(|(oid, expression)| {
                Box::new(DefaultValue {
                    oid,
                    expression: expression.into_boxed_str(),
                })
            }),
            not_null_constraint: not_null.map(|(oid, name)| {
                Box::new(NotNull {
                    oid,
                    name: name.into_boxed_str(),
                    name_is_shared: self.not_null_name_is_shared == Some(true),
                    is_local: self.not_null_is_local == Some(true),
                    no_inherit: self.not_null_no_inherit == Some(true),
                    is_valid: self.not_null_is_valid == Some(true),
                })
            }),
            settings: (settings != plain).then(|| Box::new(settings)),
            acl: self.acl.map(Vec::into_boxed_slice),
        })
    }
}

impl Column {
    /// Whether its value is computed from other columns and so never part of a row's text.
    pub fn is_generated(&self) -> bool {
        self.generated.is_some()
    }

    /// Whether its NOT NULL is a constraint that not all rows are known to meet (18+).
    pub fn has_invalid_not_null(&self) -> bool {
        self.not_null_constraint
            .as_ref()
            .is_some_and(|not_null| !not_null.is_valid)
    }

    /// The NOT NULL clause as it stands in a column's definition: empty, ` NOT NULL`, or with a name that is not the
    /// one the server would choose.
    pub fn not_null_clause(&self, relation: &str) -> String {
        if !self.not_null || self.has_invalid_not_null() {
            return String::new();
        }
        let Some(constraint) = &self.not_null_constraint else {
            return " NOT NULL".to_string();
        };
        let is_default = *constraint.name == *format!("{relation}_{}_not_null", self.name);
        let mut clause = if constraint.name_is_shared || !is_default {
            format!(" CONSTRAINT {} NOT NULL", ident(&constraint.name))
        } else {
            " NOT NULL".to_string()
        };
        if constraint.no_inherit {
            clause.push_str(" NO INHERIT");
        }
        clause
    }

    /// What only `ALTER TABLE` can say: statistics target, storage, compression, options.
    pub fn alterations(&self, table: &str, is_foreign: bool) -> String {
        let mut out = String::new();
        let Some(settings) = &self.settings else {
            return out;
        };
        let kind = if is_foreign { "FOREIGN TABLE" } else { "TABLE" };
        let name = ident(&self.name);
        let mut alter = |what: std::fmt::Arguments<'_>| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "ALTER {kind} ONLY {table} ALTER COLUMN {name} {what};");
        };
        if let Some(target) = settings.statistics {
            alter(format_args!("SET STATISTICS {target}"));
        }
        if let Some(storage) = settings.storage.and_then(storage_word) {
            alter(format_args!("SET STORAGE {storage}"));
        }
        if let Some(method) = compression_word(settings.compression) {
            alter(format_args!("SET COMPRESSION {method}"));
        }
        if let Some(options) = &settings.options {
            alter(format_args!("SET ({options})"));
        }
        if let Some(options) = &settings.fdw_options {
            let _ = writeln!(
                out,
                "ALTER FOREIGN TABLE ONLY {table} ALTER COLUMN {name} OPTIONS (\n    {options}\n);"
            );
        }
        out
    }
}

fn storage_word(code: i8) -> Option<&'static str> {
    Some(match code as u8 {
        b'p' => "PLAIN",
        b'e' => "EXTERNAL",
        b'x' => "EXTENDED",
        b'm' => "MAIN",
        _ => return None,
    })
}

fn compression_word(code: i8) -> Option<&'static str> {
    Some(match code as u8 {
        b'p' => "pglz",
        b'l' => "lz4",
        _ => return None,
    })
}

/// Lets comments and privileges of a relation's columns find them.
#[must_use]
pub fn with_columns<'c>(
    mut object: Object,
    loader: &Loader,
    columns: impl IntoIterator<Item = &'c Column>,
    relation: &str,
) -> Object {
    for column in columns {
        let of = Loader::relation(column.relation);
        // Most columns have neither comment nor label, and a name for each would be most of the memory.
        if loader.catalog.is_described(of) {
            object.addresses.push(Address {
                of,
                sub: i32::from(column.number),
                kind: "COLUMN",
                name: format!("{relation}.{}", ident(&column.name)),
            });
        }
        if let Some(acl) = &column.acl {
            let base = loader.base_privileges(object.id, i32::from(column.number), None);
            object = object.granted(
                format!("TABLE {relation}"),
                Some(&column.name),
                Some(acl.to_vec()),
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
