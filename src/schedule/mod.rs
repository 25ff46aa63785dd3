//! When the next backup runs.
