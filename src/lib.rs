//! pgstow stows a PostgreSQL database into one plain-SQL file and brings it back.
//!
//! The modules in reading order, which is the way of the data; arrows between them point downwards only
//! (`tests/layering.rs` checks it):
//!
//! 1. [error], [event], [finding], [sql], [human], [escape], [secret]: what everything below and above speaks in; [http], [age]:
//!    others' formats
//! 2. [connect]: settings, session, snapshot
//! 3. [catalog]: every object of the database as the server describes it, one file a kind
//! 4. [plan]: which objects, in which order, as which statements
//! 5. [dump]: rows from many connections into one ordered stream
//! 6. [archive]: the file: members, index, end marker; [deflate]: a gzip encoder made for its text
//! 7. [script]: the reader of SQL scripts
//! 8. [restore]: a script replayed
//! 9. [store]: where backups live and how long
//! 10. [backup]: the story of a backup
//! 11. [schedule][]: when; [doctor]: what would go wrong
//! 12. [api]: the front door for other programs; [cli]: the verbs
//!
//! A program that uses pgstow begins with [`Backup`], [`Dump`], [`Restore`] and [`Archive`]; [`archive::verify`] and
//! [`restore::compare`] prove files and databases:
//!
//! ```no_run
//! # async fn example() -> pgstow::Result<()> {
//! let settings = pgstow::connect::Settings::resolve(Some("dbname=app"))?;
//! pgstow::Dump::new(settings).to_file("app.sql.gz").await?;
//! let archive = pgstow::Archive::open("app.sql.gz".as_ref())?.expect("it was just written");
//! println!("{} tables", archive.index().tables.len());
//! # Ok(())
//! # }
//! ```

pub mod age;
pub mod api;
pub mod archive;
pub mod backup;
pub mod catalog;
pub mod cli;
pub mod connect;
pub mod deflate;
pub mod doctor;
pub mod dump;
pub mod error;
pub mod escape;
pub mod event;
pub mod finding;
pub mod http;
pub mod human;
pub mod plan;
pub mod restore;
pub mod schedule;
pub mod script;
pub mod secret;
pub mod sql;
pub mod store;
pub mod webhook;

pub use api::{Backup, Dump, Restore};
pub use archive::Archive;
pub use error::{Error, Result};
