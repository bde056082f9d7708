//! What came of TLS to one backend, counted for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What came of TLS to one backend.
#[derive(Debug, Default)]
pub struct TlsCounts([AtomicU64; 4]);

/// What came of it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A handshake from the beginning.
    Full,
    /// A session was resumed.
    Resumed,
    /// The handshake has failed, or took too long.
    Failed,
    /// The backend offers no STARTTLS, or refuses it.
    Refused,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Full, Outcome::Resumed, Outcome::Failed, Outcome::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Outcome::Full => "full",
            Outcome::Resumed => "resumed",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        }
    }
}

impl TlsCounts {
    /// One more of `outcome`.
    pub fn count(&self, outcome: Outcome) {
        if let Some(count) = self.0.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All counts, each with its word.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        let counts = Outcome::ALL.iter().zip(&self.0);
        counts.map(|(outcome, count)| (outcome.as_str(), count.load(Ordering::Relaxed))).collect()
    }
}
