//! How slowly content may come: a minimum rate, so that a drip of octets does not hold a session for ever.

use std::time::Duration;

use tokio::time::Instant;

/// The window in which enough must come.
const WINDOW: Duration = Duration::from_secs(60);
/// Octets that must come in a window: 500 a second.
const ENOUGH: u64 = 500 * 60;

/// The pace of one content. Time that we take ourselves does not count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    octets: u64,
    left: Duration,
}

impl Pace {
    /// A pace with a whole window ahead.
    pub(super) fn new() -> Self {
        Pace { octets: 0, left: WINDOW }
    }

    /// Until when the client has to send something, if we begin to wait `now`.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        now + self.left
    }

    /// Counts `octets` that came after a wait of `waited`; false if too few came in a window that is over.
    pub(super) fn take(&mut self, octets: u64, waited: Duration) -> bool {
        self.octets += octets;
        self.left = self.left.saturating_sub(waited);
        if !self.left.is_zero() {
            return true;
        }
        let is_enough = self.octets >= ENOUGH;
        *self = Pace::new();
        is_enough
    }
}

impl Default for Pace {
    fn default() -> Self {
        Pace::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_hundred_octets_a_second_are_enough() {
        let second = Duration::from_secs(1);
        let mut steady = Pace::new();
        assert!((0..300).all(|_| steady.take(500, second)));
        let mut drip = Pace::new();
        assert_eq!((0..60).filter(|_| !drip.take(499, second)).count(), 1);
        let mut burst = Pace::new();
        assert!(burst.take(30_000, second));
        assert!(burst.take(0, WINDOW), "what came in the window counts");
        assert!(!burst.take(0, WINDOW));
    }
}
