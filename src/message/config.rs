//! Where content waits for the backend, as the configuration describes it: the table `[spool]`.

use std::path::PathBuf;

/// Where content waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spool {
    /// Where its unlinked files are made; `None` is the state directory, else /var/tmp.
    pub directory: Option<PathBuf>,
    /// How much of one message stays in memory, in octets.
    pub memory: u64,
    /// How much all messages together may take on disk, in octets; past it 452 4.3.1.
    pub limit: u64,
}

impl Default for Spool {
    /// The documented defaults.
    fn default() -> Self {
        Self { directory: None, memory: 1 << 20, limit: 10_000_000_000 }
    }
}
