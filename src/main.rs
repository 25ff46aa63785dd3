//! Logging, exit codes, broken pipe: nothing else.

fn main() {}
