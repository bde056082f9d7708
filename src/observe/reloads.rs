//! What became of reloads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Reloads since the start of the process, which counts for the time of the last good one.
#[derive(Debug)]
pub struct Reloads {
    done: AtomicU64,
    refused: AtomicU64,
    last: AtomicU64,
}

impl Reloads {
    /// Notes what became of one.
    pub fn note(&self, is_done: bool) {
        match is_done {
            true => {
                self.done.fetch_add(1, Ordering::Relaxed);
                self.last.store(now(), Ordering::Relaxed);
            }
            false => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// How many were done and refused, each with its word.
    pub fn all(&self) -> [(&'static str, u64); 2] {
        [("ok", self.done.load(Ordering::Relaxed)), ("refused", self.refused.load(Ordering::Relaxed))]
    }

    /// When the configuration in service was taken, in seconds since 1970.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }
}

impl Default for Reloads {
    /// None yet; the start is now.
    fn default() -> Self {
        Reloads { done: AtomicU64::new(0), refused: AtomicU64::new(0), last: AtomicU64::new(now()) }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_reload_leaves_the_time_of_the_last_good_one() {
        let reloads = Reloads { last: AtomicU64::new(5), ..Reloads::default() };
        reloads.note(false);
        assert_eq!((reloads.all(), reloads.last()), ([("ok", 0), ("refused", 1)], 5));
        reloads.note(true);
        assert_eq!(reloads.all(), [("ok", 1), ("refused", 1)]);
        assert!(reloads.last() > 1_700_000_000);
    }
}
