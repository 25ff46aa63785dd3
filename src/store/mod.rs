//! Where backups live and how long.

mod access;
mod pending;

pub use pending::{Pending, remove_stale};
