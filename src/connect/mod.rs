//! From what the user typed and the environment says to a session with a server, and the snapshot shared by all
//! sessions of one dump.
//!
//! [`Settings`] are decided once, as libpq decides them; [`connect`] makes a [`Session`] of them; a [`Snapshot`] makes
//! several sessions see one state of the database. It does not promise to speak GSSAPI, LDAP or OAuth, nor TLS below 1.2.

mod auth;
mod cancel;
mod certificate;
mod copy_out;
mod environment;
mod failure;
mod loan;
mod params;
mod passfile;
mod pooler;
mod search;
mod service;
mod session;
mod settings;
mod snapshot;
mod socket;
mod tls;
mod wire;

pub use cancel::CancelHandle;
pub use copy_out::CopyReader;
pub use environment::Environment;
pub use failure::wants_password;
pub use search::connect;
pub use session::Session;
pub use settings::{Request, Settings};
pub use snapshot::{NEWEST_TESTED_MAJOR, Snapshot, SnapshotOptions, is_out_of_turn, read_as_dumps_do};
pub use wire::{Wire, WireReceiver, WireSender, server_message};

/// The oldest major version of PostgreSQL that pgstow works with.
pub const OLDEST_MAJOR: u32 = 13;
