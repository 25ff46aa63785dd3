//! A gzip encoder made for COPY text.
