//! The clock by which the guard measures hook calls: the machine's, or in tests one that counts instructions.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Where the guard reads the time.
#[derive(Debug)]
pub enum Clock {
    /// The machine's monotonic clock, from the moment given.
    Monotonic(Instant),
    /// Advanced by instructions and steps alone, so that budgets are counted in them.
    Counted(Cell<Duration>),
}

/// What an instruction advances a counted clock by: 500 of them are 5 µs.
const INSTRUCTION: Duration = Duration::from_nanos(10);
/// What one step of a pattern takes.
const STEP: Duration = Duration::from_nanos(5);

impl Clock {
    /// The machine's clock.
    pub fn monotonic() -> Self {
        Clock::Monotonic(Instant::now())
    }

    /// A clock that only the guard moves: 500 instructions are 5 µs.
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

    /// What so many steps of a pattern, or of what takes as long, take.
    pub fn time_of(steps: usize) -> Duration {
        STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Takes note of steps that a function of the engine takes.
    pub fn work(&self, steps: usize) {
        if let Clock::Counted(now) = self {
            now.set(now.get() + Clock::time_of(steps));
        }
    }

    /// Takes note of one tick of the count hook, which comes each so many instructions.
    pub fn tick(&self, instructions: u32) {
        if let Clock::Counted(now) = self {
            now.set(now.get() + INSTRUCTION * instructions);
        }
    }
}
