//! The clock by which the guard measures hook calls: the machine's, or in tests one that counts instructions.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Where the guard reads the time.
#[derive(Debug)]
pub enum Clock {
    /// The machine's monotonic clock, from the moment given.
    Monotonic(Instant),
    /// Advanced by 5 µs with each tick of the count hook, so that budgets are counted in instructions.
    Counted(Cell<Duration>),
}

/// What one tick of the count hook advances a counted clock by.
const TICK: Duration = Duration::from_micros(5);
/// What one step of a pattern, or what takes as long, advances it by.
const STEP: Duration = Duration::from_nanos(5);

impl Clock {
    /// The machine's clock.
    pub fn monotonic() -> Self {
        Clock::Monotonic(Instant::now())
    }

    /// A clock that only the count hook moves: 500 instructions are 5 µs.
    pub fn counted() -> Self {
        Clock::Counted(Cell::new(Duration::ZERO))
    }

    /// The time since the clock was made.
    pub fn now(&self) -> Duration {
        match self {
            Clock::Monotonic(start) => start.elapsed(),
            Clock::Counted(now) => now.get(),
        }
    }

    /// Takes note of steps that a function of the engine has taken.
    pub fn work(&self, steps: usize) {
        if let Clock::Counted(now) = self {
            now.set(now.get() + STEP * u32::try_from(steps).unwrap_or(u32::MAX));
        }
    }

    /// Takes note of one tick of the count hook.
    pub fn tick(&self) {
        if let Clock::Counted(now) = self {
            now.set(now.get() + TICK);
        }
    }
}
