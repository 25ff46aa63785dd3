//! Rows from many connections into one ordered stream.
