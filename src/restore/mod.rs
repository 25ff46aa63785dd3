//! A script replayed in one transaction.
