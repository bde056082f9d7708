//! One `[map.NAME]` table: where the map is and what it is.

use std::path::PathBuf;

use crate::lookup::map::table::Kind;

/// A map of the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MapConfig {
    /// NAME in `[map.NAME]`.
    pub name: String,
    /// Where it is.
    pub source: Source,
    /// How its keys are compared.
    pub kind: Kind,
}

/// Where a map is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A file, read at start and on reload.
    File(PathBuf),
}
