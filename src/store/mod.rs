//! Where backups live and how long.
