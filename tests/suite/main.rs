//! The integration tests, one binary so that there is one link: an area is a module here.

#[path = "../support/mod.rs"]
mod support;

mod archive;
mod catalog;
mod connect;
mod create;
mod deflate;
mod doctor;
mod documents;
mod encoding;
mod faults;
mod harness;
mod json;
mod kinds;
mod labels;
mod layering;
mod library;
mod locks;
mod offsite;
mod ops;
mod pg_dump;
mod restore;
mod scratch;
mod store;
mod stream;
