//! Where the log goes and where metrics are shown: the tables `[log]` and `[metrics]`.

use std::net::SocketAddr;
use std::path::PathBuf;

/// How the log is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form of its lines.
    pub format: Format,
    /// The least severe that is written.
    pub level: Level,
    /// The file it is appended to; `None` is standard error.
    pub file: Option<PathBuf>,
}

impl Default for Log {
    /// The documented defaults.
    fn default() -> Self {
        Self { format: Format::Text, level: Level::Info, file: None }
    }
}

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// systemd's journal, with fields.
    Journald,
}

/// How severe a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For a developer's eye.
    Error,
    /// For a postmaster's eye.
    Warn,
    /// One line at each end of a session and a transaction.
    Info,
    /// All else.
    Debug,
    /// Every step.
    Trace,
}

/// Where the Prometheus page is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The address; `None` is nowhere.
    pub listen: Option<SocketAddr>,
}
