//! The TOML file: read, checked, with errors that show line and caret.

pub mod service;
