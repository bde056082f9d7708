//! The process itself: the table `[service]`.

use std::path::PathBuf;
use std::time::Duration;

/// Whom the process runs as and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The user whose rights it keeps; `None` is whoever started it.
    pub user: Option<String>,
    /// The group; `None` is the user's.
    pub group: Option<String>,
    /// How long running transactions have at the end.
    pub drain: Duration,
    /// Where it keeps files; `None` is systemd's STATE_DIRECTORY, else /var/lib/gatepost.
    pub state_directory: Option<PathBuf>,
}

impl Default for Service {
    /// The documented defaults.
    fn default() -> Self {
        Self { user: None, group: None, drain: Duration::from_secs(30), state_directory: None }
    }
}
