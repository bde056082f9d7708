//! What is carried: content, its header, edits, trace fields.

pub mod config;
