//! Which addresses of a backend are worth a try.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long an address is passed over after a failed connect, greeting or EHLO.
pub const PENALTY: Duration = Duration::from_secs(30);

/// The health of one address, shared by all workers.
#[derive(Debug, Default)]
pub struct Health {
    unusable_until: Mutex<Option<Instant>>,
}

impl Health {
    /// Whether the address may be tried.
    pub fn is_usable(&self) -> bool {
        self.unusable_until.lock().is_none_or(|until| Instant::now() >= until)
    }

    /// Whether the last try has failed, as long ago as that may be.
    pub fn has_failed(&self) -> bool {
        self.unusable_until.lock().is_some()
    }

    /// Notes a failure: the address rests for `PENALTY`. Whether it was usable before.
    pub fn note_failure(&self) -> bool {
        let now = Instant::now();
        self.unusable_until.lock().replace(now + PENALTY).is_none_or(|until| now >= until)
    }

    /// Notes that the address answers.
    pub fn note_success(&self) {
        let mut until = self.unusable_until.lock();
        if until.is_some() {
            *until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_rests_for_thirty_seconds_after_a_failure() {
        let health = Health::default();
        assert!(health.is_usable());
        assert!(health.note_failure());
        assert!(!health.note_failure(), "a second failure is no news");
        tokio::time::advance(PENALTY - Duration::from_millis(1)).await;
        assert!(!health.is_usable());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(health.is_usable() && health.has_failed(), "it may be tried again, and nobody has");
        health.note_failure();
        health.note_success();
        assert!(health.is_usable() && !health.has_failed());
    }
}
