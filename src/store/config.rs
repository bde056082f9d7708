//! The `[store]` table: where policies' entries are kept, and how long a call may take.

use std::path::PathBuf;
use std::time::Duration;

/// How the store is set up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Where entries are kept.
    pub place: Place,
    /// Put before every key; nothing by default.
    pub prefix: String,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Where entries are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the process; a restart forgets them.
    Memory,
    /// In this file.
    File(PathBuf),
}

impl Default for Config {
    /// The documented defaults.
    fn default() -> Self {
        Self { place: Place::Memory, prefix: String::new(), timeout: Duration::from_secs(1) }
    }
}

impl std::fmt::Display for Place {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
