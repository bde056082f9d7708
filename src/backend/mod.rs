//! Connections to the mail server behind us, and what is said on them.

pub mod config;
