//! The file: members, index, end marker, reader, verification.
