//! When the next backup runs, and the daemon that waits for it.

pub mod next;

pub use next::Schedule;
