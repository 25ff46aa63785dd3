//! The reader of SQL scripts as psql reads them: pure, no I/O.
