//! When the next backup runs, the daemon that waits for it, and the port that tells how it goes.

mod daemon;
pub mod next;
pub mod status;

pub use daemon::{Daemon, Moment};
pub use next::Schedule;
