//! A policy's options: the schema in its script, the values in the configuration, and what the script receives.

pub mod check;
pub mod list_file;
mod scalar;
pub mod schema;
pub mod value;
