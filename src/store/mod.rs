//! Where backups live and how long.

mod access;
mod lock;
pub mod name;
mod pending;
pub mod retention;

pub use lock::Lock;
pub use pending::{Pending, remove_stale};
