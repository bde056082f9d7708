//! Tables of keys and values: files in the form of Postfix's maps, read once for all workers, and servers that are asked.

pub mod bounds;
pub mod cidr;
pub mod config;
pub mod directory;
pub mod domain;
pub mod error;
pub mod field;
pub mod hash;
mod kept;
pub mod lines;
pub mod maps;
pub mod mmdb;
pub mod netstring;
mod oracle;
pub mod pattern;
pub mod played;
pub mod remote;
pub mod socketmap;
pub mod substitution;
pub mod table;
mod web;
