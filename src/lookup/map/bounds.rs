//! How a server behind a map is asked: how long a question may take, over how many connections.

use std::time::Duration;

/// How a server is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// How long a question may take.
    pub timeout: Duration,
    /// Connections at once, where they are the map's own.
    pub connections: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), connections: 10 }
    }
}
