//! Every object of the database as the server describes it: one file a kind, beside it the query in `schema-sql/`.
//!
//! Adding a kind: `src/catalog/<kind>.rs` with a row struct and its [`CatalogRow::load`](kind::CatalogRow::load),
//! `schema-sql/<kind>.sql`, one line in [`KINDS`], one case `tests/kinds/<kind>.sql`. What older servers must hear
//! instead stands in [`dialect`].
//!
//! Every query runs once for all objects, so their number does not grow with the database (but for the values of
//! sequences before PostgreSQL 18, which come in large batches). What no kind claims is found by [`coverage`] and makes
//! the dump fail.

pub mod dialect;
pub mod kind;
pub mod loader;
pub mod object;
pub mod row;
pub mod rows;

mod access_method;
mod aggregate;
mod base_type;
mod cast;
mod changed_privileges;
mod check;
mod collation;
mod column;
mod composite;
mod conversion;
mod coverage;
mod default_privileges;
mod domain;
mod enumeration;
mod event_trigger;
mod extension;
mod extension_data;
mod facts;
mod foreign_data_wrapper;
mod foreign_key;
mod foreign_server;
mod function;
mod index;
mod key;
mod language;
mod large_object;
mod operator;
mod operator_class;
mod operator_family;
mod options;
mod policy;
mod publication;
mod range;
mod rule;
mod schema;
mod sequence;
pub(crate) mod settings;
mod statistics;
mod subscription;
mod table;
mod transform;
mod trigger;
mod ts_configuration;
mod ts_dictionary;
mod ts_parser;
mod ts_template;
mod user_mapping;
mod view;

use futures_util::future::try_join_all;
use tokio_postgres::error::SqlState;

use crate::connect::Session;
use crate::{Error, Result};
use kind::{Kind, kind};
pub use loader::Catalog;
use loader::Loader;
pub use rows::TableRows;

/// A registry line: the query's file is named once.
macro_rules! registered {
    ($($name:literal => $row:ty,)*) => {
        &[$(kind::<$row>($name, include_str!(concat!("../../schema-sql/", $name, ".sql")))),*]
    };
}

/// The registry: facts first, for the kinds look them up; a kind before those that take from it.
pub const KINDS: &[Kind] = registered![
    "role" => facts::RoleRow,
    "depend" => facts::DependRow,
    "alias" => facts::AliasRow,
    "comment" => facts::CommentRow,
    "security_label" => facts::SecurityLabelRow,
    "initial_privileges" => facts::InitialPrivilegesRow,
    "table_size" => facts::TableSizeRow,
    "column" => column::ColumnRow,
    "check" => check::CheckRow,
    "schema" => schema::SchemaRow,
    "extension" => extension::ExtensionRow,
    "extension_data" => extension_data::ExtensionDataRow,
    "enum" => enumeration::EnumRow,
    "language" => language::LanguageRow,
    "collation" => collation::CollationRow,
    "base_type" => base_type::BaseTypeRow,
    "range" => range::RangeRow,
    "composite" => composite::CompositeRow,
    "domain" => domain::DomainRow,
    "function" => function::FunctionRow,
    "aggregate" => aggregate::AggregateRow,
    "cast" => cast::CastRow,
    "transform" => transform::TransformRow,
    "access_method" => access_method::AccessMethodRow,
    "operator" => operator::OperatorRow,
    "operator_family" => operator_family::OperatorFamilyRow,
    "operator_class" => operator_class::OperatorClassRow,
    "conversion" => conversion::ConversionRow,
    "ts_parser" => ts_parser::TsParserRow,
    "ts_template" => ts_template::TsTemplateRow,
    "ts_dictionary" => ts_dictionary::TsDictionaryRow,
    "ts_configuration" => ts_configuration::TsConfigurationRow,
    "foreign_data_wrapper" => foreign_data_wrapper::ForeignDataWrapperRow,
    "foreign_server" => foreign_server::ForeignServerRow,
    "user_mapping" => user_mapping::UserMappingRow,
    "sequence" => sequence::SequenceRow,
    "table" => table::TableRow,
    "view" => view::ViewRow,
    "key" => key::KeyRow,
    "index" => index::IndexRow,
    "foreign_key" => foreign_key::ForeignKeyRow,
    "statistics" => statistics::StatisticsRow,
    "rule" => rule::RuleRow,
    "trigger" => trigger::TriggerRow,
    "policy" => policy::PolicyRow,
    "publication" => publication::PublicationRow,
    "publication_table" => publication::PublicationTableRow,
    "publication_schema" => publication::PublicationSchemaRow,
    "subscription" => subscription::SubscriptionRow,
    "event_trigger" => event_trigger::EventTriggerRow,
    "large_object" => large_object::LargeObjectRow,
    "default_privileges" => default_privileges::DefaultPrivilegesRow,
    "changed_privileges" => changed_privileges::ChangedPrivilegesRow,
    "coverage" => coverage::CoverageRow,
];

/// The query that runs before all others.
const LOCKABLE: &str = include_str!("../../schema-sql/lockable.sql");

/// Tables in one `LOCK TABLE` statement: few round trips, statements of moderate length.
const LOCK_BATCH: usize = 1000;

/// Names and texts of all queries, as the newest server takes them.
pub fn queries() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS
        .iter()
        .map(|kind| (kind.name, kind.sql))
        .chain([("lockable", LOCKABLE), ("sequence_name", sequence::NAMES)])
}

/// Reads every object inside the session's current transaction, after taking an ACCESS SHARE lock on every table so
/// that what the server's functions describe cannot change under way.
///
/// # Errors
/// A table that may not be locked (it is named by the server), a lost connection, an object that no kind understands.
pub async fn load(session: &Session) -> Result<Catalog> {
    lock_tables(session).await?;
    let results = try_join_all(KINDS.iter().map(|kind| rows_of(session, kind))).await?;
    let mut loader = Loader::default();
    sequence::load_values(session, &mut loader).await?;
    for (kind, rows) in KINDS.iter().zip(results) {
        (kind.load)(rows, &mut loader)
            .map_err(|e| e.context(format!("reading the catalog ({})", kind.name)))?;
    }
    table::finish(&mut loader);
    large_object::finish(&mut loader);
    let encoding = session
        .client
        .query_one(
            "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()",
            &[],
        )
        .await?;
    loader.catalog.encoding = encoding.get(0);
    coverage::check(session, &loader.catalog, &loader.to_cover).await?;
    Ok(loader.catalog)
}

async fn lock_tables(session: &Session) -> Result<()> {
    let rows = session.client.query(LOCKABLE, &[]).await?;
    let names: Vec<String> = rows.iter().map(|row| row::value(row, 0)).collect::<Result<_>>()?;
    try_join_all(names.chunks(LOCK_BATCH).map(|batch| async move {
        let statement = format!("LOCK TABLE {} IN ACCESS SHARE MODE", batch.join(", "));
        session.client.batch_execute(&statement).await
    }))
    .await
    .map_err(|e| lock_failure(e, names.len()))?;
    Ok(())
}

/// Why the tables could not be locked, and what to do about it.
fn lock_failure(error: tokio_postgres::Error, tables: usize) -> Error {
    let code = error.code().cloned();
    let error = Error::from(error).context("cannot lock every table for reading");
    match code {
        Some(SqlState::INSUFFICIENT_PRIVILEGE) => error.hint(
            "the role needs SELECT on every table of the database; membership in pg_read_all_data (14+) gives that",
        ),
        Some(SqlState::OUT_OF_MEMORY) => error.hint(format!(
            "the dump locks {tables} tables at once: raise the server's max_locks_per_transaction (times \
             max_connections it should exceed that number) and restart it"
        )),
        _ => error,
    }
}

async fn readable(session: &Session, question: &str) -> Result<bool> {
    row::value(&session.client.query_one(question, &[]).await?, 0)
}

async fn rows_of(session: &Session, kind: &Kind) -> Result<Vec<tokio_postgres::Row>> {
    if kind.name == "subscription" && !readable(session, subscription::READABLE).await? {
        return Ok(Vec::new());
    }
    let Some(sql) = dialect::adapt(kind.name, kind.sql, session.version) else {
        return Ok(Vec::new());
    };
    session
        .client
        .query(&sql, &[])
        .await
        .map_err(|e| Error::from(e).context(format!("reading the catalog ({})", kind.name)))
}
