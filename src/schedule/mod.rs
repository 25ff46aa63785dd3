//! When the next backup runs, and the daemon that waits for it.

mod daemon;
pub mod next;

pub use daemon::Daemon;
pub use next::Schedule;
