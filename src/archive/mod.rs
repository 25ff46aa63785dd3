#![doc = include_str!("../../FORMAT.md")]
//!
//! # This module
//!
//! [`Writer`] writes such a file, [`Reader`] reads the text of any dump in sequence (pg_dump's, too), [`Archive`] opens
//! a file by its index, [`verify`] proves one. None of them knows SQL or a server: what the text means is for
//! [`crate::script`] to say.

mod ahead;
mod codec;
mod compression;
mod decode;
mod digest;
mod excerpt;
mod file;
mod index;
mod marker;
mod reader;
mod rows;
mod segment;
mod verify;
mod writer;

pub use codec::{Encoder, checked_encoder, encoder};
pub use compression::{Compression, Format};
pub use decode::Position;
pub use digest::{Digest, LineDigest};
pub use excerpt::{Excerpt, Part, Wanted};
pub use file::{Archive, OpenFile, RowsReader, open_file};
pub use index::{COMPLETE, Counted, FORMAT_VERSION, Header, Index, Rows, Table};
pub use marker::EndMarker;
pub use reader::{Ending, Reader, into_error};
pub use rows::each_piece;
pub use verify::{Verified, read_back, verify, verify_seekable, verify_sequence};
pub(crate) use writer::cannot_write;
pub use writer::{Member, Owner, Span, Summary, Writer, name_output};
