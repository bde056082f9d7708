//! Where the figures of the metrics come from, and what they are read as.

use std::sync::Arc;

use crate::observe::counters::Counters;
use crate::observe::policy_counts::PolicyCounts;
use crate::observe::policy_metrics::PolicyMetrics;
use crate::observe::reloads::Reloads;

/// Something that is read when the page is.
pub type Reading = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Where the figures come from.
#[derive(Clone)]
pub struct Sources {
    /// The counts of each worker.
    pub workers: Vec<Arc<Counters>>,
    /// The counts of the policies' hooks.
    pub policies: Arc<PolicyCounts>,
    /// What policies measure themselves.
    pub policy_metrics: Arc<PolicyMetrics>,
    /// Hook calls that wait.
    pub hooks_waiting: Reading,
    /// Sessions that are open.
    pub sessions: Reading,
    /// The connections of each backend.
    pub backends: Arc<dyn Fn() -> Vec<BackendConnections> + Send + Sync>,
    /// Octets of content in the spool.
    pub spool_octets: Reading,
    /// The certificates that are shown: file, and when it ends, in seconds since 1970.
    pub certificates: Arc<dyn Fn() -> Vec<(String, i64)> + Send + Sync>,
    /// Entries in the store.
    pub store_entries: Reading,
    /// Calls of the store without a result, by kind.
    pub store_failures: Arc<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>,
    /// Hooks that are or were parked.
    pub parked: Arc<dyn Fn() -> Vec<ParkedHook> + Send + Sync>,
    /// Lines that the log dropped.
    pub log_lines_dropped: Reading,
    /// Reloads since the start.
    pub reloads: Arc<Reloads>,
    /// The users files, and whether the newest version of each could not be read.
    pub users_files: Arc<dyn Fn() -> Vec<(String, bool)> + Send + Sync>,
    /// What became of requests that scripts sent without waiting, each with its word.
    pub http_sends: Arc<dyn Fn() -> [(&'static str, u64); 3] + Send + Sync>,
}

/// A hook that is or was parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedHook {
    /// The policy.
    pub policy: String,
    /// The hook.
    pub hook: &'static str,
    /// Whether it is parked now.
    pub is_parked: bool,
    /// Calls that were answered without running it.
    pub turned_away: u64,
}

/// The connections of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendConnections {
    /// The backend's name.
    pub backend: String,
    /// Whether it can be asked, as far as is known.
    pub is_usable: bool,
    /// Those that are there.
    pub in_use: u64,
    /// Those that its ceiling still allows.
    pub free: u64,
    /// What came of TLS to it, each with its word; empty if it speaks none.
    pub tls: Vec<(&'static str, u64)>,
}
