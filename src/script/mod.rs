//! The reader of SQL scripts as psql 18 reads them: bytes in, statements, COPY data and meta-commands out.
//!
//! [Lexer] is fed blocks of any size and hands back [Piece]s that share the blocks' memory; it does no I/O. What it
//! cuts joins again to the input, byte for byte. Only one statement is ever held whole; COPY data and comments pass
//! through in parts, so memory depends on neither the script's length nor a table's size.
//!
//! Followed to the letter is psql's cutting (`psqlscan.l`): quotes of all kinds, dollar quotes, nested comments,
//! parentheses, `BEGIN ATOMIC ... END` in functions and procedures, `standard_conforming_strings`. Not followed, on
//! purpose: psql runs what stands unfinished at the end of a file, here that is an error, for a file is more often
//! truncated than sloppy; psql replaces `:variables`, here they stay as they are (no dump contains one); and of the
//! meta-commands only those obeyed by [Command] are known, everything else is refused by name: a script never runs
//! anything on the machine that reads it.
//!
//! [whole_statements] and [opens_rows] ask the same question of one text, for whoever writes scripts.

mod check;
mod class;
mod copy;
mod inside;
mod lexer;
mod meta;
mod scan;
mod words;

pub use check::{opens_rows, whole_statements};
pub use lexer::{Lexer, Piece, Statement};
pub use meta::{Command, Meta};
pub use words::{Word, setting, skip_words, words, words_at};
