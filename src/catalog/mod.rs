//! Every object of the database as the server describes it: one file a kind, beside it the query in `schema-sql/`.
//!
//! Adding a kind: `src/catalog/<kind>.rs` with a row struct and its [`CatalogRow::load`](kind::CatalogRow::load),
//! `schema-sql/<kind>.sql`, one line in [`KINDS`], one case `tests/kinds/<kind>.sql`. What older servers must hear
//! instead stands in [`dialect`].
//!
//! Every query runs once for all objects, so their number does not grow with the database (but for the values of
//! sequences before PostgreSQL 18, which come in large batches). What no kind claims is found by [`coverage`] and makes
//! the dump fail.

pub mod definition;
pub mod dialect;
pub mod drop;
pub mod filter_file;
pub mod id;
pub mod kind;
pub mod loader;
pub mod names;
pub mod object;
pub mod pattern;
pub mod row;
pub mod rows;

mod access_method;
mod aggregate;
mod base_type;
mod begin;
mod cast;
mod changed_privileges;
mod check;
mod collation;
mod column;
mod composite;
mod conversion;
mod coverage;
mod database;
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
mod read;
mod rule;
mod schema;
mod sequence;
pub(crate) mod settings;
mod spread;
mod statistics;
mod subscription;
mod table;
mod table_definition;
mod transform;
mod trigger;
mod ts_configuration;
mod ts_dictionary;
mod ts_parser;
mod ts_template;
mod user_mapping;
mod view;

use crate::Result;
use crate::connect::Session;
pub use database::Database;
use kind::{Kind, kind};
pub use loader::{Catalog, Scope};
pub use names::{Choice, Filter};
pub use read::{changed, lock, lock_statements, lockable, read};
pub use rows::TableRows;

/// A registry line: the query's file is named once.
macro_rules! registered {
    ($($name:literal => $row:ty,)*) => {
        &[$(kind::<$row>($name, include_str!(concat!("../../schema-sql/", $name, ".sql")))),*]
    };
}

/// The registry: what must be claimed first, for it is the longest list and soon short; then facts, for the kinds look
/// them up; a kind before those that take from it.
pub const KINDS: &[Kind] = registered![
    "coverage" => coverage::CoverageRow,
    "role" => facts::RoleRow,
    "database" => database::DatabaseRow,
    "depend" => facts::DependRow,
    "alias" => facts::AliasRow,
    "comment" => facts::CommentRow,
    "security_label" => facts::SecurityLabelRow,
    "initial_privileges" => facts::InitialPrivilegesRow,
    "table_size" => facts::TableSizeRow,
    "index_statistics" => facts::IndexStatisticsRow,
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
];

/// The query that runs before all others.
const LOCKABLE: &str = include_str!("../../schema-sql/lockable.sql");

/// Names and texts of all queries, as the newest server takes them.
pub fn queries() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.sql)).chain([
        ("lockable", LOCKABLE),
        ("sequence_name", sequence::NAMES),
        ("planner_statistics", names::PLANNER_STATISTICS),
    ])
}

/// [Locks](lock) every table, then [reads](read) every object, in the session's current transaction.
///
/// # Errors
/// As for both.
pub async fn load(session: &Session) -> Result<Catalog> {
    let scope = Scope::default();
    let tables = lockable(session, &scope.choice).await?;
    lock(session, &tables).await?;
    read(&[session], &scope).await
}
