//! Tables of keys and values: files in the form of Postfix's maps, read once for all workers.

pub mod cidr;
pub mod config;
pub mod domain;
pub mod error;
pub mod hash;
pub mod lines;
pub mod maps;
pub mod pattern;
pub mod remote;
pub mod substitution;
pub mod table;
