//! Connections and snapshots, against real servers set up for each kind.

mod ground;
mod matrix;
mod pooler;
mod prompt;
mod session;
mod snapshot;
