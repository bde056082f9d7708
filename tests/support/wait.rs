//! Bounded waits: a test waits for an event, never for a span of time.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything here is waited for before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What `probe` gives once it gives something; fails the test when `PATIENCE` is over.
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    until_late(probe).unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}"))
}

/// What `probe` gives once it gives something; none when `PATIENCE` is over.
pub fn until_late<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        let found = probe();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
