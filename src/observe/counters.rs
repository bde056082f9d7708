//! What is counted on the hot path: one set a worker, so that no two of them touch the same memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::tls::handshake::Reason;

/// One count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn increase(&self) {
        self.add(1);
    }

    /// `more` more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A count that only one thread adds to, others only read: cheaper by a locked instruction.
#[derive(Debug, Default)]
pub struct OwnCount(AtomicU64);

impl OwnCount {
    /// One more.
    pub fn increase(&self) {
        self.add(1);
    }

    /// `more` more.
    pub fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counts of one worker; they only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions begun.
    pub sessions: Count,
    /// Sessions ended.
    pub sessions_closed: Count,
    /// Connections turned away by a limit before they were a session.
    pub connections_refused: Count,
    /// Transactions that the backend acknowledged.
    pub relayed: Count,
    /// Transactions refused for good.
    pub refused: Count,
    /// Transactions refused for now.
    pub deferred: Count,
    /// Transactions that a policy threw away.
    pub discarded: Count,
    /// Transactions that ended before their content did.
    pub aborted: Count,
    /// 2yz replies of ours to an end of data: each has exactly one acknowledgement.
    pub acknowledgements_told: Count,
    /// Acknowledgements by a backend's 2yz.
    pub acknowledged_by_backend: Count,
    /// Acknowledgements by a durable store.
    pub acknowledged_by_store: Count,
    /// Acknowledgements of messages that a policy threw away.
    pub acknowledged_by_discard: Count,
    /// Octets of content taken.
    pub octets: Count,
    /// Faults of backends.
    pub backend_faults: Count,
    /// RCPT commands that the relay guard refused.
    pub relay_denied: Count,
    /// Recipients that a policy added and a backend refused for good.
    pub added_recipients_refused: Count,
    /// Commands that could not be read or were out of order.
    pub command_errors: Count,
    /// Logins that succeeded.
    pub logins: Count,
    /// Logins that were refused.
    pub logins_refused: Count,
    /// Logins that nobody could check.
    pub logins_unavailable: Count,
    /// Errors of policies.
    pub policy_errors: Count,
    /// TLS handshakes of clients from the beginning.
    pub handshakes_full: Count,
    /// TLS handshakes of clients that resumed a session.
    pub handshakes_resumed: Count,
    /// TLS handshakes of clients that failed, in the order of `Reason::ALL`.
    pub handshakes_failed: [Count; 7],
}

impl Counters {
    /// Counts a handshake that has succeeded.
    pub fn count_handshake(&self, is_resumed: bool) {
        if is_resumed { &self.handshakes_resumed } else { &self.handshakes_full }.increase();
    }

    /// How many handshakes have failed for `reason`.
    pub fn failed_handshakes(&self, reason: Reason) -> u64 {
        self.handshakes_failed.get(reason as usize).map_or(0, Count::get)
    }

    /// Counts a handshake that has failed.
    pub fn count_failed_handshake(&self, reason: Reason) {
        if let Some(count) = self.handshakes_failed.get(reason as usize) {
            count.increase();
        }
    }

    /// The count of acknowledgements from `source`: "backend", "stored" or "discarded".
    pub fn acknowledged(&self, source: &str) -> &Count {
        match source {
            "backend" => &self.acknowledged_by_backend,
            "stored" => &self.acknowledged_by_store,
            _ => &self.acknowledged_by_discard,
        }
    }
}
